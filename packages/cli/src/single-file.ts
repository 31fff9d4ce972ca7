/** Entry of the single-file program: the commands, and the executor that its agent starts. */
import { EXECUTOR_WORD } from "./single-file-deps.ts";

if (process.argv[2] === EXECUTOR_WORD) {
  runExecutorOnly(process.argv[3] ?? "");
} else {
  import("./main.ts").catch(stop);
}

function runExecutorOnly(directory: string): void {
  import("@drover/agent").then(({ runExecutor }) => runExecutor(directory)).then(end, stop);
}

/** An escaped descendant may still hold a pipe open; there is nothing left to wait for. */
function end(): void {
  process.exit(0);
}

function stop(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
}
