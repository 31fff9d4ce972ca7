/** Starts the load program, and takes its report. */
import { type ChildProcess, fork, spawnSync } from "node:child_process";
import { join } from "node:path";
import { CONSUL } from "../real-parts.ts";
import type { LoadOptions, LoadReport } from "./report.ts";

const PROGRAM = join(import.meta.dirname, "main.ts");

/** About 660 requests per second in all. */
const DEFAULTS = {
  consul: CONSUL,
  clients: 8,
  perSecond: 600,
  newShare: 0.2,
  lagMaxMs: 950,
  held: 2,
  slow: 2,
} as const satisfies Partial<LoadOptions>;

export class Load {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Resolves when requests are under way. */
  static async start(options: Pick<LoadOptions, "service"> & Partial<LoadOptions>): Promise<Load> {
    const child = fork(PROGRAM, [JSON.stringify({ ...DEFAULTS, ...options })]);
    runAhead(child);
    const load = new Load(child);
    await load.#next();
    return load;
  }

  /** No new requests; those under way are waited for. */
  async stop(): Promise<LoadReport> {
    const report = this.#next();
    this.#child.send("stop");
    return (await report) as LoadReport;
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #next(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#child.once("message", resolve);
      this.#child.once("exit", (code, signal) =>
        reject(new Error(`the load program ended: ${code ?? signal}`)),
      );
    });
  }
}

/**
 * As agents do (ADR 0007). Clients that do not get their turn because the machine is busy would lag
 * by more than they are to; where this is not allowed, the report shows by how much they did.
 */
function runAhead({ pid }: ChildProcess): void {
  spawnSync("chrt", ["--all-tasks", "--rr", "--pid", "1", String(pid)]);
}
