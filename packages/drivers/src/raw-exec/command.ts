/** The raw_exec driver's `config` block, and where its command is found. */
import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { ConfigReader, type DriverConfig } from "../config-reader.ts";
import { TaskStartError } from "../task-driver.ts";

export interface RawExecConfig {
  readonly command: string;
  readonly args: readonly string[];
  /** "" = the task's directory. */
  readonly workDir: string;
}

const KNOWN = new Set(
  "command args work_dir cgroup_v1_override cgroup_v2_override denied_envvars oom_score_adj".split(
    " ",
  ),
);

/** Throws TaskStartError (not retryable) that names the field. */
export function parseRawExecConfig(config: DriverConfig): RawExecConfig {
  const reader = new ConfigReader("raw_exec", config, KNOWN);
  return {
    command: reader.requiredText("command"),
    args: reader.texts("args"),
    workDir: reader.text("work_dir"),
  };
}

/**
 * A command with a slash is looked for in the task's `local` directory and in its own, any other
 * in the PATH of its environment. Throws TaskStartError: what is not there now will not be later.
 */
export function resolveCommand(
  command: string,
  context: { readonly taskDir: string; readonly path: string },
): string {
  const candidates = isAbsolute(command)
    ? [command]
    : [join(context.taskDir, "local", command), join(context.taskDir, command)];
  if (!command.includes("/")) {
    const directories = context.path.split(delimiter).filter((part) => part !== "");
    candidates.push(...directories.map((directory) => join(directory, command)));
  }
  const found = candidates.find(isProgram);
  if (found !== undefined) return found;
  const text = `failed to find command "${command}": no such executable file`;
  throw new TaskStartError("command-not-found", text, { retryable: false });
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    // Whatever the reason, the next candidate is tried and the last one reports.
    return false;
  }
}

/** "" = the agent's own user. Throws TaskStartError for a name this machine does not have. */
export function resolveUser(name: string): { readonly uid: number; readonly gid: number } | null {
  if (name === "") return null;
  for (const line of readFileSync("/etc/passwd", "utf8").split("\n")) {
    const [user, , uid, gid] = line.split(":");
    if (user === name || uid === name) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new TaskStartError("unknown-user", `unknown user "${name}"`, { retryable: false });
}
