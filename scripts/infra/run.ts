/** Running other programs, for the scripts that prepare real parts. */
import { spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

/** Everything the test machines need lies here; `DROVER_INFRA` moves it. */
export const INFRA_DIR = process.env.DROVER_INFRA ?? "/var/tmp/drover-test-infra";

export class InfraError extends Error {
  override readonly name = "InfraError";
}

/** Output of a command; throws with what it said when it fails. */
export function run(
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): string {
  const done = spawnSync(command, args, {
    encoding: "utf8",
    env: { ...process.env, ...env },
    maxBuffer: 64 << 20,
  });
  if (done.status === 0) return done.stdout;
  const said = `${done.stdout ?? ""}${done.stderr ?? ""}${done.error?.message ?? ""}`.trim();
  throw new InfraError(`${command} ${args.join(" ")}: ${said.split("\n").slice(-8).join("\n")}`);
}

export function hasCommand(name: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${name}`]).status === 0;
}

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** Starts a daemon of its own session; its pid is kept beside its log. */
export function startDaemon(name: string, command: string, args: readonly string[]): void {
  const log = join(INFRA_DIR, `${name}.log`);
  mkdirSync(dirname(log), { recursive: true });
  const out = openSync(log, "a");
  const child = spawn(command, args, { detached: true, stdio: ["ignore", out, out] });
  closeSync(out);
  child.unref();
  if (child.pid === undefined) throw new InfraError(`${command} cannot be started`);
  writeFileSync(pidFile(name), `${child.pid}\n`);
}

/** The pid of a daemon, if it is still ours: its command line names the infra folder. */
export function daemonPid(name: string): number | null {
  if (!existsSync(pidFile(name))) return null;
  const pid = Number(readFileSync(pidFile(name), "utf8"));
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    return command.includes(INFRA_DIR) ? pid : null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

export async function stopDaemon(name: string, timeoutMs = 15_000): Promise<void> {
  const pid = daemonPid(name);
  if (pid !== null) {
    process.kill(pid, "SIGTERM");
    await waitFor(() => !existsSync(`/proc/${pid}`), { timeoutMs, what: `${name} to end` });
  }
  rmSync(pidFile(name), { force: true });
}

export async function waitFor(
  done: () => boolean | Promise<boolean>,
  options: { readonly timeoutMs: number; readonly what: string },
): Promise<void> {
  const deadline = Date.now() + options.timeoutMs;
  while (!(await done())) {
    if (Date.now() > deadline) {
      throw new InfraError(`waited ${options.timeoutMs} ms for ${options.what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function pidFile(name: string): string {
  return join(INFRA_DIR, `${name}.pid`);
}
