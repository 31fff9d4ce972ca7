/** `alloc exec`: runs a program inside a task (spec chapter 7 §7.10). */
import { type Command, type CommandContext, misuse } from "../../command.ts";
import type { Doc } from "../../doc.ts";
import {
  anyAllocOfJob,
  onlyTask,
  ownerAddress,
  readAlloc,
  readAllocById,
} from "../../shared/alloc.ts";

export const allocExecCommand: Command = {
  usage: "alloc exec [options] <allocation> <command>",
  summary: "Runs a program inside a task",
  description: "Runs a program inside a running task; its exit code becomes this command's.",
  flags: [
    { name: "task", kind: "string", help: "The task." },
    { name: "job", kind: "bool", help: "The argument is a job; one of its allocations is used." },
    { name: "group", kind: "string", help: "With -job: an allocation of this group." },
    { name: "i", kind: "bool", default: "true", help: "Pass standard input on." },
    { name: "t", kind: "bool", default: "true", help: "Give the program a terminal." },
    { name: "e", kind: "string", default: "~", help: "Character that begins an escape sequence." },
  ],
  args: { min: 0, max: Number.POSITIVE_INFINITY, message: "" },
  async run(context) {
    const { args, flags } = context;
    const [target, ...program] = args;
    if (target === undefined) {
      throw misuse(
        "alloc exec",
        flags.bool("job") ? "A job ID is required" : "An allocation ID is required",
      );
    }
    if (program.length === 0) throw misuse("alloc exec", "A command is required");
    const alloc = flags.bool("job")
      ? await readAllocById(context, await anyAllocOfJob(context, target, flags.string("group")))
      : await readAlloc(context, target);
    const task = flags.string("task") || onlyTask(alloc);
    return await exec(context, alloc, task, program);
  },
};

async function exec(
  context: CommandContext,
  alloc: Doc,
  task: string,
  program: readonly string[],
): Promise<number> {
  const { api, flags } = context;
  const tty = flags.bool("t") && flags.bool("i") && process.stdin.isTTY === true;
  const url = api.url("clientAllocExec", {
    address: await ownerAddress(context, alloc),
    params: { id: alloc.text("ID") },
    query: { command: JSON.stringify(program), region: api.region || "global", task, tty },
  });
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return await new ExecSession(context, new WebSocket(url), tty).run();
}

interface Frame {
  readonly stdout?: { readonly data?: string };
  readonly stderr?: { readonly data?: string };
  readonly exited?: boolean;
  readonly result?: { readonly exit_code?: number };
}

class ExecSession {
  readonly #context: CommandContext;
  readonly #socket: WebSocket;
  readonly #tty: boolean;
  #exitCode: number | null = null;

  constructor(context: CommandContext, socket: WebSocket, tty: boolean) {
    this.#context = context;
    this.#socket = socket;
    this.#tty = tty;
  }

  async run(): Promise<number> {
    this.#socket.addEventListener("open", () => this.#opened());
    this.#socket.addEventListener("message", (event) => this.#received(String(event.data)));
    const reason = await new Promise<string>((resolve) => {
      this.#socket.addEventListener("close", (event) => resolve(event.reason));
    });
    if (this.#tty) process.stdin.setRawMode(false);
    process.stdin.pause();
    if (this.#exitCode !== null) return this.#exitCode;
    this.#context.ui.error(`failed to exec into task: ${reason || "disconnected"}`);
    return 1;
  }

  #opened(): void {
    if (!this.#context.flags.bool("i")) {
      this.#send({ stdin: { close: true } });
      return;
    }
    if (this.#tty) {
      process.stdin.setRawMode(true);
      this.#sendSize();
      process.stdout.on("resize", () => this.#sendSize());
    }
    process.stdin.on("data", (data) => {
      this.#send({ stdin: { data: Buffer.from(data).toString("base64") } });
    });
    process.stdin.on("end", () => this.#send({ stdin: { close: true } }));
  }

  #sendSize(): void {
    const { columns, rows } = process.stdout;
    this.#send({ tty_size: { height: rows, width: columns } });
  }

  #received(text: string): void {
    const frame = JSON.parse(text) as Frame;
    const { ui } = this.#context;
    if (frame.stdout?.data) ui.write(Buffer.from(frame.stdout.data, "base64"));
    if (frame.stderr?.data) ui.writeError(Buffer.from(frame.stderr.data, "base64"));
    if (!frame.exited) return;
    this.#exitCode = frame.result?.exit_code ?? 0;
    // The agent waits for it.
    this.#socket.close();
  }

  #send(frame: Record<string, unknown>): void {
    if (this.#socket.readyState === WebSocket.OPEN) {
      this.#socket.send(`${JSON.stringify(frame)}\n`);
    }
  }
}
