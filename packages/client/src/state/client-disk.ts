/**
 * What the agent asks of the files of its own machine. `nodeDisk` is the real thing; a simulated
 * machine brings its own, so that a crash of the agent is told apart from the loss of the machine.
 */
import { mkdir, rm } from "node:fs/promises";
import { type HostFacts, readHostFacts } from "../fingerprint/host.ts";
import { type AllocPaths, buildAllocDirs } from "../runner/alloc-paths.ts";
import { AllocJournal } from "./alloc-journal.ts";
import type { AllocStore } from "./alloc-store.ts";
import { readIfExists, writeAtomic } from "./atomic-file.ts";

export interface ClientDisk {
  /** With those above it; one that exists is left as it is. */
  makeDirectory(path: string, mode: number): Promise<void>;
  /** null when there is no such file. */
  read(path: string): Promise<string | null>;
  /** The old content or the new one, whenever the machine stops. */
  write(path: string, text: string): Promise<void>;
  removeTree(path: string): Promise<void>;
  /** Synchronous for a reason: see `buildAllocDirs`. */
  buildAllocDirs(paths: AllocPaths, taskName: string): void;
  openAllocs(path: string): AllocStore;
  /** What the machine is, seen from the file system of `dataDir`. */
  hostFacts(dataDir: string): Promise<HostFacts>;
}

export const nodeDisk: ClientDisk = {
  makeDirectory: async (path, mode) => {
    await mkdir(path, { recursive: true, mode });
  },
  read: readIfExists,
  write: writeAtomic,
  removeTree: (path) => rm(path, { recursive: true, force: true }),
  buildAllocDirs,
  openAllocs: (path) => new AllocJournal(path),
  hostFacts: readHostFacts,
};
