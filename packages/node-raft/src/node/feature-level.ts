/**
 * Which of the application's feature levels the cluster is at (RAFT.md §4.4; rules U1 to U5 of
 * SPEC.md). Each member's heartbeat replies tell the levels that its program understands; the
 * leader raises the replicated one as soon as all of them, standbys too, understand a higher. What
 * an entry may say is decided by the level that is committed, so that no member ever meets one that
 * it does not know.
 */
import { allMembers, isJoint } from "../core/conf-state.ts";
import type { CoreStatus } from "../core/options.ts";
import type { ConfState, MemberId, Message } from "../core/types.ts";
import { RaftError } from "./api.ts";

/** Levels that a program understands: the oldest and the newest, of at least 1. */
export interface LevelRange {
  readonly min: number;
  readonly max: number;
}

export class FeatureLevel {
  readonly #self: MemberId;
  readonly #own: LevelRange | null;
  readonly #told = new Map<MemberId, LevelRange>();
  #committed = 0;

  constructor(self: MemberId, own: LevelRange | null) {
    this.#self = self;
    this.#own = own;
  }

  /** The level that entries may use from now on. */
  get committed(): number {
    return this.#committed;
  }

  /** What each member's program understands, as far as it has told; leader only. */
  get told(): ReadonlyMap<MemberId, LevelRange> {
    return this.#told;
  }

  /** Leadership began or ended: programs may have changed since they were heard of. */
  forget(): void {
    this.#told.clear();
  }

  addTo(message: Message): Message {
    if (this.#own === null || message.type !== "heartbeatReply") return message;
    return { ...message, levelMin: this.#own.min, levelMax: this.#own.max };
  }

  hear(message: Message): void {
    if (message.type !== "heartbeatReply") return;
    const { from, levelMin: min, levelMax: max } = message;
    if (min === undefined || max === undefined) this.#told.delete(from);
    else this.#told.set(from, { min, max });
  }

  /** After a turn. A configuration that is not committed may still be taken back. */
  look({ conf, confIndex, commit }: Pick<CoreStatus, "conf" | "confIndex" | "commit">): void {
    if (confIndex <= commit) this.#committed = Math.max(this.#committed, conf.level ?? 0);
  }

  /** Leader, once per tick: the level to raise the cluster to; null = none. */
  wanted(conf: ConfState): number | null {
    if (this.#own === null || isJoint(conf)) return null;
    const ranges = [this.#own];
    for (const id of allMembers(conf)) {
      const range = id === this.#self ? this.#own : this.#told.get(id);
      if (range === undefined) return null;
      ranges.push(range);
    }
    const highest = Math.min(...ranges.map(({ max }) => max));
    const lowest = Math.max(...ranges.map(({ min }) => min));
    return highest > (conf.level ?? 0) && highest >= lowest ? highest : null;
  }
}

/** Throws where the program may not take part; `own` null = the application has no levels. */
export function mustUnderstand(own: LevelRange | null, { level = 0 }: ConfState): void {
  if (own === null || level === 0 || (level >= own.min && level <= own.max)) return;
  const remedy =
    level > own.max
      ? "start a newer version of the program"
      : "start an older version of the program, and upgrade in smaller steps";
  const known = own.min === own.max ? `${own.min}` : `${own.min} to ${own.max}`;
  const text = `the cluster is at feature level ${level}, this program understands ${known}`;
  throw new RaftError("refused", `${text}: ${remedy}`);
}
