/** The records of this node's allocations: one file each, in `<data>/client/allocs`. */
import { readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { errorText } from "@drover/base";
import type { AllocRecord } from "./alloc-record.ts";
import { ensureDirectory, readIfExists, removeFile, writeAtomic } from "./atomic-file.ts";

export interface AllocStore {
  load(): Promise<{ records: AllocRecord[]; damaged: string[] }>;
  /** Durable when it resolves. Never called twice at once for one allocation. */
  write(record: AllocRecord): Promise<void>;
  remove(allocId: string): Promise<void>;
}

export class FileAllocStore implements AllocStore {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async load(): Promise<{ records: AllocRecord[]; damaged: string[] }> {
    await ensureDirectory(this.#directory);
    const records: AllocRecord[] = [];
    const damaged: string[] = [];
    for (const name of (await readdir(this.#directory)).sort()) {
      if (!name.endsWith(".json")) continue;
      const path = join(this.#directory, name);
      const record = parse((await readIfExists(path)) ?? "");
      if (record !== null) records.push(record);
      else {
        // Kept for the operator; the container itself is adopted when the servers push it again.
        await rename(path, `${path}.damaged`);
        damaged.push(path);
      }
    }
    return { records, damaged };
  }

  write(record: AllocRecord): Promise<void> {
    return writeAtomic(this.#path(record.alloc.id), JSON.stringify(record));
  }

  remove(allocId: string): Promise<void> {
    return removeFile(this.#path(allocId));
  }

  #path(allocId: string): string {
    return join(this.#directory, `${allocId.replaceAll(/[^A-Za-z0-9-]/g, "_")}.json`);
  }
}

function parse(text: string): AllocRecord | null {
  try {
    const value = JSON.parse(text) as AllocRecord;
    return value.format === 1 ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw new Error(`allocation record: ${errorText(error)}`, { cause: error });
  }
}
