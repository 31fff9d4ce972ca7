/** Runs the scripts of checks inside their tasks, for service discovery. */
import type { ScriptRunner } from "@drover/discovery";
import type { ExecSession } from "@drover/drivers";

const OUTPUT_BYTES_MAX = 4 * 1024;

/** As much of an agent as scripts need. */
export interface ScriptHost {
  exec(
    allocId: string,
    request: { task: string; command: readonly string[]; tty: boolean },
  ): Promise<ExecSession>;
}

/** `host` answers null until the agent has started. Rejects when the time is up. */
export function scriptRunner(host: () => ScriptHost | null): ScriptRunner {
  return async ({ allocId, taskName, command, args, timeoutMs }) => {
    const agent = host();
    if (agent === null) throw new Error("the agent is not up yet");
    const session = await agent.exec(allocId, {
      task: taskName,
      command: [command, ...args],
      tty: false,
    });
    let output = "";
    const take = (chunk: Buffer | string) => {
      if (output.length < OUTPUT_BYTES_MAX) output += chunk.toString();
    };
    session.stdout.on("data", take);
    session.stderr.on("data", take);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const text = `the script took longer than ${timeoutMs} ms`;
      timer = setTimeout(() => reject(new Error(text)), timeoutMs);
    });
    try {
      const exitCode = await Promise.race([session.exited, late]);
      return { exitCode, output: output.slice(0, OUTPUT_BYTES_MAX) };
    } finally {
      clearTimeout(timer);
      session.close();
    }
  };
}
