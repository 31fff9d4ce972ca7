/** Waits until a directory's files may have changed. */
import { watch } from "node:fs";

/**
 * `wait()` resolves after a change since its last call, or after `pollMs` in case the system does
 * not tell of changes. Close it when done.
 */
export class ChangeWaiter {
  readonly #pollMs: number;
  readonly #watcher: ReturnType<typeof watch> | null;
  #changed = false;
  #wake: (() => void) | null = null;

  constructor(directory: string, pollMs: number) {
    this.#pollMs = pollMs;
    this.#watcher = watchOrNull(directory, () => {
      this.#changed = true;
      this.#wake?.();
    });
  }

  async wait(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!this.#changed) {
      await new Promise<void>((resolve) => {
        const finish = () => {
          clearTimeout(timer);
          signal.removeEventListener("abort", finish);
          this.#wake = null;
          resolve();
        };
        const timer = setTimeout(finish, this.#pollMs);
        signal.addEventListener("abort", finish, { once: true });
        this.#wake = finish;
      });
    }
    this.#changed = false;
    signal.throwIfAborted();
  }

  close(): void {
    this.#watcher?.close();
  }
}

function watchOrNull(directory: string, onChange: () => void): ReturnType<typeof watch> | null {
  try {
    const watcher = watch(directory, onChange);
    // The directory was removed: the next poll finds out.
    watcher.on("error", onChange);
    return watcher;
  } catch {
    // No such directory, or no watches left on this machine: polling remains.
    return null;
  }
}
