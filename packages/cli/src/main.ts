/** The program's entry: this process's streams, environment and signals around the command line. */
import { runCli } from "./cli.ts";
import { LineReader } from "./line-reader.ts";

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

let lines: LineReader | null = null;

/** Standard input is opened by the first question only. */
async function readLine(): Promise<string | null> {
  lines ??= new LineReader(process.stdin);
  return await lines.next();
}

/** A second interrupt ends the program even when the first one is being worked on. */
function interrupted(): AbortSignal {
  const controller = new AbortController();
  process.once("SIGINT", () => {
    controller.abort();
    process.once("SIGINT", () => process.exit(130));
  });
  return controller.signal;
}

/** As the signal of a closed pipe would: `drover status | head -1` is no mistake. */
const PIPE_CLOSED = 128 + 13;
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(PIPE_CLOSED);
  });
}

// No top-level await: in the single-file program this is a CommonJS script.
runCli(process.argv.slice(2), {
  out: process.stdout,
  err: process.stderr,
  isTerminal: process.stdout.isTTY === true,
  env: process.env,
  directory: process.cwd(),
  programPath: process.argv[1] ?? "drover",
  now: Date.now,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  stdin: readStdin,
  line: readLine,
  interrupted,
}).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.exitCode = 1;
    throw error;
  },
);
