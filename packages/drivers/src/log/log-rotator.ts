/**
 * One output stream of a task in files `<prefix>.0`, `<prefix>.1`, …: the highest index is
 * written, the lowest are removed beyond `maxFiles`. Continues the files an earlier process left.
 */
import { type FileHandle, mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

export interface LogRotatorOptions {
  /** Path without the index, e.g. `/…/logs/web.stdout`. */
  readonly prefix: string;
  readonly maxFiles: number;
  readonly maxFileBytes: number;
}

export class LogRotator {
  readonly #options: LogRotatorOptions;
  #file: FileHandle | null = null;
  #index = 0;
  #size = 0;
  #chain: Promise<void> = Promise.resolve();

  constructor(options: LogRotatorOptions) {
    this.#options = options;
  }

  /** The file in use and its size; what a reader needs to continue where this process stopped. */
  get position(): { readonly index: number; readonly size: number } {
    return { index: this.#index, size: this.#size };
  }

  /** Resolves when the newest existing file (or a first one) is open for appending. */
  open(): Promise<void> {
    return this.#enqueue(() => this.#openNewest());
  }

  /** Writes are kept in order; resolves when this one is in the file. */
  write(data: Buffer): Promise<void> {
    return this.#enqueue(() => this.#append(data));
  }

  close(): Promise<void> {
    return this.#enqueue(async () => {
      const file = this.#file;
      this.#file = null;
      await file?.close();
    });
  }

  #enqueue(step: () => Promise<void>): Promise<void> {
    const result = this.#chain.then(step);
    // A failed write is reported to its caller; the ones behind it are tried on their own.
    this.#chain = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  async #openNewest(): Promise<void> {
    if (this.#file !== null) return;
    const indexes = await this.#indexes();
    this.#index = indexes.at(-1) ?? 0;
    await this.#openIndex();
  }

  /** The directory is there as a rule: it is only made when it is not. */
  async #indexes(): Promise<readonly number[]> {
    const { prefix } = this.#options;
    try {
      return await logFileIndexes(prefix);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      await mkdir(dirname(prefix), { recursive: true });
      return [];
    }
  }

  async #openIndex(): Promise<void> {
    const path = `${this.#options.prefix}.${this.#index}`;
    this.#file = await open(path, "a", 0o644);
    this.#size = (await stat(path)).size;
  }

  async #append(data: Buffer): Promise<void> {
    let rest = data;
    while (rest.length > 0) {
      if (this.#file === null) await this.#openNewest();
      const room = this.#options.maxFileBytes - this.#size;
      if (room <= 0) {
        await this.#rotate();
        continue;
      }
      const part = rest.subarray(0, splitAt(rest, room));
      await this.#file?.appendFile(part);
      this.#size += part.length;
      rest = rest.subarray(part.length);
    }
  }

  async #rotate(): Promise<void> {
    await this.#file?.close();
    this.#file = null;
    this.#index++;
    await this.#openIndex();
    const { prefix, maxFiles } = this.#options;
    const indexes = await logFileIndexes(prefix);
    const excess = indexes.slice(0, Math.max(0, indexes.length - maxFiles));
    await Promise.all(excess.map((index) => rm(`${prefix}.${index}`, { force: true })));
  }
}

/** Prefers to cut after a line end so that a line is not torn over two files. */
function splitAt(data: Buffer, room: number): number {
  if (data.length <= room) return data.length;
  const lineEnd = data.lastIndexOf(10, room - 1);
  return lineEnd >= 0 ? lineEnd + 1 : room;
}

/** Indexes of the files `<prefix>.N`, ascending. */
export async function logFileIndexes(prefix: string): Promise<number[]> {
  const directory = dirname(prefix);
  const names = await readdir(directory);
  const found: number[] = [];
  for (const name of names) {
    const path = join(directory, name);
    if (!path.startsWith(`${prefix}.`)) continue;
    const text = path.slice(prefix.length + 1);
    if (/^\d+$/.test(text)) found.push(Number(text));
  }
  return found.sort((a, b) => a - b);
}
