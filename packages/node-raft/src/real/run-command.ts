/** Tools of the system that make its faults. */
import { execFile } from "node:child_process";

/** Rejects with what the tool said. */
export function runCommand(command: string, ...args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(command, args, (error, _stdout, stderr) => {
      if (error === null) resolve();
      else reject(new Error(`${command} ${args.join(" ")}: ${stderr.trim() || error.message}`));
    });
  });
}
