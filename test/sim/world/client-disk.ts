/** The files of a simulated client machine: they survive its agent, and a loss of power. */
import type { AllocRecord, AllocStore, ClientDisk } from "@drover/client";
import type { SimRandom } from "@raft/node-raft/sim";
import type { SimProcess } from "./process.ts";

const MEMORY_BYTES = 8 * 1024 ** 3;

export class SimClientDisk {
  readonly #random: SimRandom;
  readonly #files = new Map<string, string>();
  readonly #records = new Map<string, StoredRecord>();

  constructor(random: SimRandom) {
    this.#random = random;
  }

  put(path: string, text: string): void {
    this.#files.set(path, text);
  }

  /** The machine comes back with an empty disk, its identity excepted. */
  forgetAllocs(): void {
    this.#records.clear();
  }

  /** As one life of the agent sees it. */
  open(process: SimProcess): ClientDisk {
    /** Resolves when it is durable; the work itself may be done by then though the agent died. */
    const later = (work: () => void): Promise<void> =>
      new Promise((resolve) => {
        const { time } = process;
        const durable = this.#random.chance(0.5);
        time.after(this.#random.between(0.2, 4), () => {
          if (process.alive || durable) work();
          process.run(resolve);
        });
      });
    return {
      makeDirectory: () => Promise.resolve(),
      read: async (path) => this.#files.get(path) ?? null,
      write: (path, text) => later(() => this.#files.set(path, text)),
      removeTree: () => Promise.resolve(),
      buildAllocDirs: () => undefined,
      openAllocs: () => this.#store(later),
      hostFacts: async () => HOST_FACTS,
    };
  }

  #store(later: (work: () => void) => Promise<void>): AllocStore {
    const records = this.#records;
    return {
      load: async () => ({
        records: [...records.values()].map(load),
        damaged: [],
      }),
      write: (record) => {
        const stored = store(record);
        return later(() => records.set(record.alloc.id, stored));
      },
      remove: (id) => later(() => records.delete(id)),
      close: () => Promise.resolve(),
    };
  }
}

/** As texts, so that no two lives share an object; the larger part changes rarely. */
interface StoredRecord {
  readonly alloc: string;
  readonly job: string;
  readonly rest: string;
}

const texts = new WeakMap<object, string>();

function textOf(value: object): string {
  const text = texts.get(value) ?? JSON.stringify(value);
  texts.set(value, text);
  return text;
}

function store({ alloc, job, ...rest }: AllocRecord): StoredRecord {
  return { alloc: textOf(alloc), job: textOf(job), rest: JSON.stringify(rest) };
}

function load({ alloc, job, rest }: StoredRecord): AllocRecord {
  return {
    ...(JSON.parse(rest) as Omit<AllocRecord, "alloc" | "job">),
    alloc: JSON.parse(alloc) as AllocRecord["alloc"],
    job: JSON.parse(job) as AllocRecord["job"],
  };
}

const HOST_FACTS = {
  hostname: "simulated",
  arch: "amd64",
  machine: "x86_64",
  kernelName: "linux",
  kernelVersion: "6.1.0",
  osName: "debian",
  osVersion: "12",
  hostId: "simulated",
  cpuModel: "simulated",
  cores: 4,
  frequencyMhz: 1000,
  memoryBytes: MEMORY_BYTES,
  diskBytes: 100 * 1024 ** 3,
  diskFreeBytes: 90 * 1024 ** 3,
  cgroupsVersion: "2",
};
