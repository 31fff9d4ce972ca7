/**
 * Linearizable reads. Everyone who asks within one turn shares one request to the core; a request
 * that failed or was lost is asked again under a new id, never the old one (RAFT.md §2.5 row 7).
 */
import { RaftError } from "./api.ts";
import type { Moment } from "./elapsed.ts";

export interface Reader {
  readonly askedAt: Moment;
  readonly deadline: number;
  /** `index`: everything committed before the call is at or below it. */
  resolve(index: number): void;
  reject(error: RaftError): void;
}

interface Group {
  readers: Reader[];
  /** Ids under which the group has been asked; an answer to any of them will do. */
  ids: number[];
  /** When to ask again. */
  retryAt: number;
}

export class Reads {
  #newcomers: Reader[] = [];
  #groups: Group[] = [];
  #lastId = 0;
  readonly #retryMs: number;

  constructor(retryMs: number) {
    this.#retryMs = retryMs;
  }

  add(reader: Reader): void {
    this.#newcomers.push(reader);
  }

  /** Asks the core for the newcomers and for the groups whose time has come. */
  ask(now: number, readIndex: (requestId: number) => void): void {
    if (this.#newcomers.length > 0) {
      this.#groups.push({ readers: this.#newcomers, ids: [], retryAt: now });
      this.#newcomers = [];
    }
    for (const group of this.#groups) {
      if (group.retryAt > now) continue;
      const id = ++this.#lastId;
      group.ids.push(id);
      group.retryAt = now + this.#retryMs;
      readIndex(id);
    }
  }

  /** The core's answer; returns those who may read once `index` is applied. */
  answered(requestId: number): readonly Reader[] {
    const at = this.#groups.findIndex((group) => group.ids.includes(requestId));
    if (at < 0) return [];
    const [group] = this.#groups.splice(at, 1);
    return group?.readers ?? [];
  }

  failed(requestId: number, retryAt: number): void {
    const group = this.#groups.find((candidate) => candidate.ids.includes(requestId));
    if (group !== undefined) group.retryAt = Math.min(group.retryAt, retryAt);
  }

  /** A leader appeared: those who could not ask before can now. */
  retryNow(): void {
    for (const group of this.#groups) group.retryAt = 0;
  }

  expire(now: number): void {
    for (const group of this.#groups) {
      const late = group.readers.filter((reader) => reader.deadline <= now);
      group.readers = group.readers.filter((reader) => reader.deadline > now);
      for (const reader of late) reader.reject(timeout());
    }
    this.#groups = this.#groups.filter((group) => group.readers.length > 0);
  }

  rejectAll(error = new RaftError("stopped", "the node is stopping")): void {
    const readers = [...this.#newcomers, ...this.#groups.flatMap((group) => group.readers)];
    this.#newcomers = [];
    this.#groups = [];
    for (const reader of readers) reader.reject(error);
  }
}

function timeout(): RaftError {
  return new RaftError("timeout-unknown", "no leader confirmed the read in time");
}
