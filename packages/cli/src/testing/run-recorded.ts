/** Runs one recorded command against the recorded answers, in this process. */
import { runCli } from "../cli.ts";
import type { RecordedAgent } from "./recorded-agent.ts";
import type { Exchange } from "./recordings.ts";

export interface RecordedRun {
  readonly argv: readonly string[];
  readonly http: readonly Exchange[];
  readonly env?: Readonly<Record<string, string>>;
  readonly directory: string;
  readonly stdin?: string;
  readonly isTerminal?: boolean;
  /** Epoch ms. */
  readonly now: number;
}

export interface RunResult {
  readonly exit: number;
  /** On a terminal both streams are one. */
  readonly stdout: string;
  readonly stderr: string;
}

/** The agent's address in texts is the recordings'; the program is called as there. */
export async function runRecorded(agent: RecordedAgent, run: RecordedRun): Promise<RunResult> {
  agent.play(run.http);
  const out: Uint8Array[] = [];
  const err: Uint8Array[] = [];
  const sink = (list: Uint8Array[]) => ({
    write: (text: string | Uint8Array) => list.push(Buffer.from(text)),
  });
  const isTerminal = run.isTerminal ?? false;
  const lines = (run.stdin ?? "").split("\n");
  const exit = await runCli(run.argv, {
    out: sink(out),
    err: sink(isTerminal ? out : err),
    isTerminal,
    env: { NOMAD_ADDR: agent.address, ...run.env },
    directory: run.directory,
    programPath: "/opt/nomad/bin/nomad",
    now: () => run.now,
    sleep: async () => undefined,
    stdin: async () => run.stdin ?? "",
    line: async () => lines.shift() ?? null,
    interrupted: () => new AbortController().signal,
  });
  const port = agent.address.slice("http://".length);
  const text = (list: Uint8Array[]) =>
    Buffer.concat(list)
      .toString("utf8")
      .replaceAll(port, "127.0.0.1:4646")
      .replaceAll("drover", "nomad")
      .replaceAll("Drover", "Nomad")
      .replaceAll(run.directory, "/opt/jobs");
  return { exit, stdout: text(out), stderr: text(err) };
}
