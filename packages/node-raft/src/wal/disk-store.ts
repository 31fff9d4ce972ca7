/**
 * Everything one member keeps in its data directory (RAFT.md §4.6): `id.json`, `wal/`, `snap/`,
 * `LOCK`. Synchronous; see `storage.ts` for the faces it is given.
 */
import { assert } from "../core/assert.ts";
import type { Entry, HardState, MemberId, SnapshotMeta } from "../core/types.ts";
import { RaftError } from "../node/api.ts";
import { REJOIN, type RecoveredLog } from "./recover.ts";
import { SnapshotStore } from "./snapshot-store.ts";
import type { Quarantine, StorageState } from "./storage.ts";
import { readWhole, type Vfs, writeAtomically } from "./vfs.ts";
import {
  type EncodedWrite,
  type LogWrite,
  Wal,
  type WalOptions,
  WriteEncoder,
  walDefaults,
} from "./wal.ts";

const FORMAT = 1;
const ID_FILE = "id.json";
const QUARANTINE_FILE = "quarantine.json";

interface Identity {
  readonly clusterId: string;
  readonly memberId: MemberId;
  readonly format: number;
}

export class DiskStore {
  readonly #vfs: Vfs;
  readonly #dir: string;
  readonly #walOptions: WalOptions;
  readonly #unlock: () => void;
  readonly snapshots: SnapshotStore;
  #identity: Identity;
  #wal: Wal | null = null;

  private constructor(vfs: Vfs, dir: string, options: WalOptions, mintId: () => MemberId) {
    this.#vfs = vfs;
    this.#dir = dir;
    this.#walOptions = options;
    vfs.mkdir(dir);
    this.#unlock = vfs.lock(`${dir}/LOCK`);
    try {
      this.#identity = readIdentity(vfs, dir) ?? mintIdentity(vfs, dir, mintId());
      this.snapshots = new SnapshotStore(vfs, `${dir}/snap`);
    } catch (error) {
      this.#unlock();
      throw error;
    }
  }

  /** Throws `RaftError`: "corrupt" (with file, offset and remedy) or "io" (locked, unreadable). */
  static open(
    vfs: Vfs,
    dir: string,
    mintId: () => MemberId,
    options: WalOptions = walDefaults,
  ): { store: DiskStore; state: StorageState } {
    const store = new DiskStore(vfs, dir, options, mintId);
    try {
      return { store, state: store.#recover() };
    } catch (error) {
      store.close();
      throw error;
    }
  }

  /** A whole directory at once, for one that takes another's place; `id.json` is written last. */
  static create(
    vfs: Vfs,
    dir: string,
    ids: { readonly clusterId: string; readonly memberId: MemberId },
    writes: readonly LogWrite[],
  ): void {
    vfs.mkdir(dir);
    const { wal } = Wal.open(vfs, `${dir}/wal`, ids);
    const encoder = new WriteEncoder(0);
    for (const write of writes) wal.append([encoder.encode(write)]);
    wal.close();
    writeIdentity(vfs, dir, { ...ids, format: FORMAT });
  }

  get lastIndex(): number {
    return this.#log().lastIndex;
  }

  /** The log is written first; `id.json` naming the cluster is what makes it count. */
  initialize(start: { clusterId: string; hardState: HardState; entries: readonly Entry[] }): void {
    assert(this.#identity.clusterId === "", () => "the data directory has a cluster already");
    assert(start.clusterId !== "", () => "a cluster needs an id");
    const identity = { ...this.#identity, clusterId: start.clusterId };
    this.#removeLog();
    const { wal } = Wal.open(this.#vfs, `${this.#dir}/wal`, identity, this.#walOptions);
    const { hardState, entries } = start;
    wal.append([new WriteEncoder(0).encode({ hardState, entries, mark: null })]);
    writeIdentity(this.#vfs, this.#dir, identity);
    this.#identity = identity;
    this.#wal = wal;
  }

  append(writes: readonly EncodedWrite[]): void {
    const wal = this.#log();
    wal.append(writes);
    if (writes.some((write) => write.mark !== null)) this.snapshots.dropOlder(wal.marks);
  }

  quarantine(why: Quarantine): void {
    writeJson(this.#vfs, this.#dir, QUARANTINE_FILE, why);
  }

  maintain(): void {
    this.#wal?.maintain();
  }

  compact(index: number): void {
    this.#log().compact(index);
  }

  close(): void {
    this.#wal?.close();
    this.snapshots.close();
    this.#unlock();
  }

  #log(): Wal {
    assert(this.#wal !== null, () => "the data directory has no cluster yet");
    return this.#wal;
  }

  #recover(): StorageState {
    const { clusterId, memberId } = this.#identity;
    if (clusterId === "") {
      this.snapshots.clean([]);
      const nothing = { hardState: null, snapshot: null, entries: [], quarantine: null, notes: [] };
      return { memberId, clusterId, ...nothing };
    }
    const dir = `${this.#dir}/wal`;
    if (!this.#vfs.list(dir).some((name) => name.endsWith(".wal"))) throw logGone(dir);
    const { wal, recovered } = Wal.open(this.#vfs, dir, this.#identity, this.#walOptions);
    this.#wal = wal;
    assert(recovered !== null, () => "a log with files was recovered");
    this.snapshots.clean(recovered.marks);
    const notes =
      recovered.tornBytes > 0 ? [`cut a torn write of ${recovered.tornBytes} bytes`] : [];
    const snapshot = this.#pickSnapshot(recovered, notes);
    const { hardState, entries } = recovered;
    const quarantine = readQuarantine(this.#vfs, this.#dir);
    return { memberId, clusterId, hardState, snapshot, entries, quarantine, notes };
  }

  /** The newest snapshot that is whole; an older one will do when the log reaches back to it. */
  #pickSnapshot(log: RecoveredLog, notes: string[]): SnapshotMeta | null {
    let broken: Error | null = null;
    for (const meta of log.marks.toReversed()) {
      if (meta.index < log.baseIndex) break;
      try {
        this.snapshots.verify(meta);
        return meta;
      } catch (error) {
        broken = error instanceof Error ? error : new Error(String(error));
        notes.push(`snapshot at index ${meta.index} is unusable: ${broken.message}`);
      }
    }
    if (log.baseIndex === 0) return null;
    if (broken instanceof RaftError) throw broken;
    const why = `the log starts after index ${log.baseIndex} and no whole snapshot covers that`;
    throw new RaftError("corrupt", `${this.#dir}: ${why}; ${REJOIN}`, { cause: broken });
  }

  /** Left behind by a bootstrap that did not come to its end. */
  #removeLog(): void {
    const dir = `${this.#dir}/wal`;
    for (const name of this.#vfs.list(dir)) this.#vfs.unlink(`${dir}/${name}`);
  }
}

function logGone(dir: string): RaftError {
  return new RaftError("corrupt", `${dir}: the log of this member is gone; ${REJOIN}`);
}

function readIdentity(vfs: Vfs, dir: string): Identity | null {
  const path = `${dir}/${ID_FILE}`;
  if (!vfs.exists(path)) return null;
  const { clusterId, memberId, format } = parse<Identity>(path, readWhole(vfs, path));
  if (format !== FORMAT) {
    const text = `${path}: format ${format}, but this program knows ${FORMAT}`;
    throw new RaftError("corrupt", `${text}: start the version that wrote it`);
  }
  if (typeof memberId !== "string" || typeof clusterId !== "string") {
    throw new RaftError("corrupt", `${path}: names no member; ${REJOIN}`);
  }
  return { clusterId, memberId, format };
}

function readQuarantine(vfs: Vfs, dir: string): Quarantine | null {
  const path = `${dir}/${QUARANTINE_FILE}`;
  if (!vfs.exists(path)) return null;
  const { after, index, digest, agreedDigest } = parse<Quarantine>(path, readWhole(vfs, path));
  if (typeof index !== "number") {
    throw new RaftError("corrupt", `${path}: names no index; ${REJOIN}`);
  }
  return { after: after ?? 0, index, digest: digest ?? "", agreedDigest: agreedDigest ?? "" };
}

function parse<T>(path: string, bytes: Uint8Array): Partial<T> {
  try {
    return (JSON.parse(new TextDecoder().decode(bytes)) ?? {}) as Partial<T>;
  } catch (error) {
    throw new RaftError("corrupt", `${path}: not JSON; ${REJOIN}`, { cause: error });
  }
}

function mintIdentity(vfs: Vfs, dir: string, memberId: MemberId): Identity {
  const identity = { clusterId: "", memberId, format: FORMAT };
  writeIdentity(vfs, dir, identity);
  return identity;
}

function writeIdentity(vfs: Vfs, dir: string, identity: Identity): void {
  writeJson(vfs, dir, ID_FILE, identity);
}

function writeJson(vfs: Vfs, dir: string, name: string, value: object): void {
  writeAtomically(vfs, dir, name, new TextEncoder().encode(`${JSON.stringify(value)}\n`));
}
