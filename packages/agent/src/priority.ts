/**
 * Puts the agent ahead of what it starts (ADR 0007). Its turns are short and a cluster waits for
 * them, while a container engine at work keeps every processor busy.
 */
import { execFile } from "node:child_process";
import type { Log } from "@drover/server";

/** The lowest real-time priority: ahead of ordinary programs, behind other real-time ones. */
const PRIORITY = "1";
const TIMEOUT_MS = 5_000;

/**
 * Real-time round robin for every thread there is; threads and tasks started later are ordinary
 * again. Needs the right to it (root, CAP_SYS_NICE) and util-linux; without them nothing changes.
 */
export function takePriority(log: Log, pid = process.pid): Promise<void> {
  const args = ["--rr", "--reset-on-fork", "--all-tasks", "--pid", PRIORITY, String(pid)];
  return new Promise((resolve) => {
    execFile("chrt", args, { timeout: TIMEOUT_MS }, (error, _stdout, stderr) => {
      if (error === null) log("info", "running ahead of ordinary programs");
      else {
        const reason = stderr.trim() || error.message;
        const text = "running as an ordinary program: updates are slower while the machine is busy";
        log("info", text, { reason });
      }
      resolve();
    });
  });
}
