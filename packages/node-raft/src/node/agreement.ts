/**
 * Do the members hold the same state? (DESIGN §12.9; rules H1 to H4 of SPEC.md.) Every 64th index
 * is a checkpoint, at which each member keeps its state's digest. The leader asks with its
 * heartbeats for one checkpoint at a time; what a majority has alike is agreed and travels with
 * later heartbeats. Each member judges itself by what is agreed, the leader too: one that holds
 * something else can neither accuse the others nor hide. Pure: no clock, no storage.
 */
import { isJoint } from "../core/conf-state.ts";
import { majoritySize } from "../core/quorum.ts";
import type { ConfState, MemberId } from "../core/types.ts";
import type { Quarantine } from "../wal/storage.ts";

export const CHECKPOINT_EVERY = 64;
/** At 40,000 entries per second the last 1.6 s. */
const CHECKPOINTS_KEPT = 1_024;
/** What is agreed ahead of what is applied here. */
const AHEAD_MAX = 16;
/** Beats for which a question waits for members that have not answered. */
const BEATS_MAX = 20;
/** The same, once enough have. */
const BEATS_AGREED = 3;

interface Round {
  readonly index: number;
  readonly digests: Map<MemberId, string>;
  beats: number;
  agreed: string | null;
}

/** Who had what, in a question that is over and was not answered alike by all. */
export interface Difference {
  readonly index: number;
  /** null: no majority had the same, so nobody can say who is right. */
  readonly agreed: string | null;
  readonly members: Readonly<Record<MemberId, string>>;
}

export interface Question {
  readonly checkIndex: number;
  readonly agreedIndex: number;
  readonly agreedDigest: string;
}

export class Agreement {
  readonly #self: MemberId;
  /** Index → digest, oldest first. */
  readonly #own = new Map<number, string>();
  #newest = 0;
  readonly #ahead = new Map<number, string>();
  #agreed = { index: 0, digest: "" };
  /** The newest checkpoint at which we had what was agreed. */
  #sound = 0;
  #verdict: Quarantine | null = null;
  #round: Round | null = null;
  /** The newest checkpoint whose question needs no repetition. */
  #settled = 0;

  constructor(self: MemberId) {
    this.#self = self;
  }

  /** Set once, for good: our own state is not the majority's. */
  get verdict(): Quarantine | null {
    return this.#verdict;
  }

  /** The state machine has applied exactly up to the checkpoint. */
  reached(index: number, digest: string): void {
    this.#own.set(index, digest);
    this.#newest = index;
    if (this.#own.size > CHECKPOINTS_KEPT) this.#own.delete(firstKey(this.#own));
    const agreed = this.#ahead.get(index);
    for (const known of this.#ahead.keys()) if (known <= index) this.#ahead.delete(known);
    if (agreed !== undefined) this.#judge(index, agreed);
  }

  /** The state was replaced as a whole: what it was says nothing about what it is. */
  restarted(): void {
    this.#own.clear();
    this.#newest = 0;
  }

  /** Leadership began or ended: a question belongs to one leadership. */
  forget(): void {
    this.#round = null;
    this.#settled = 0;
  }

  /** What rides on a leader's heartbeats; called once per beat. */
  ask(conf: ConfState): Question | null {
    if (conf.voters.length + conf.learners.length < 2) return null;
    if (this.#round === null && this.#newest > this.#settled) this.#open(conf);
    const { index, digest } = this.#agreed;
    return { checkIndex: this.#round?.index ?? 0, agreedIndex: index, agreedDigest: digest };
  }

  #open(conf: ConfState): void {
    const index = this.#newest;
    this.#round = { index, digests: new Map(), beats: 0, agreed: null };
    this.heard(this.#self, index, this.#own.get(index) ?? "", conf);
  }

  /** Our own digest at the checkpoint; "" = not reached, or not kept any more. */
  digestAt(index: number): string {
    return this.#own.get(index) ?? "";
  }

  /** Leader: a member's answer, our own among them. */
  heard(from: MemberId, index: number, digest: string, conf: ConfState): void {
    const round = this.#round;
    if (round === null || round.index !== index || digest === "") return;
    round.digests.set(from, digest);
    if (round.agreed !== null || !isAgreed(round, digest, conf)) return;
    round.agreed = digest;
    this.learned(index, digest);
  }

  /**
   * Leader, once per beat: ends a question that all have answered, or that has waited long enough,
   * and says who differed. `silent`: members that answer no questions.
   */
  endBeat(conf: ConfState, silent: ReadonlySet<MemberId>): Difference | null {
    const round = this.#round;
    if (round === null) return null;
    round.beats += 1;
    const { index, digests, agreed } = round;
    const missing = [...conf.voters, ...conf.learners].some(
      (id) => !digests.has(id) && !silent.has(id),
    );
    if (missing && round.beats < (agreed === null ? BEATS_MAX : BEATS_AGREED)) return null;
    this.#round = null;
    // One that too few have answered is asked again, or the newest in its place.
    if (agreed !== null || !missing) this.#settled = index;
    const differ = new Set(digests.values()).size > 1;
    return differ ? { index, agreed, members: Object.fromEntries(digests) } : null;
  }

  /** Something is agreed, as a leader says or as we found ourselves. */
  learned(index: number, digest: string): void {
    if (index > this.#agreed.index) this.#agreed = { index, digest };
    const own = this.#own.get(index);
    if (own !== undefined) {
      this.#judge(index, digest);
    } else if (index > this.#newest) {
      this.#ahead.set(index, digest);
      if (this.#ahead.size > AHEAD_MAX) this.#ahead.delete(firstKey(this.#ahead));
    }
  }

  #judge(index: number, agreedDigest: string): void {
    const digest = this.digestAt(index);
    if (digest === agreedDigest) this.#sound = Math.max(this.#sound, index);
    else this.#verdict ??= { after: this.#sound, index, digest, agreedDigest };
  }
}

/**
 * Most voters of each half, so that whoever is accused by it is in a minority; and two members at
 * least, so that the only voter's word is not enough.
 */
function isAgreed(round: Round, digest: string, conf: ConfState): boolean {
  const has = (id: MemberId): boolean => round.digests.get(id) === digest;
  const most = (voters: readonly MemberId[]): boolean =>
    voters.filter(has).length >= majoritySize(voters.length);
  if (!most(conf.voters) || (isJoint(conf) && !most(conf.votersOutgoing))) return false;
  const members = new Set([...conf.voters, ...conf.votersOutgoing, ...conf.learners]);
  return [...members].filter(has).length >= 2;
}

function firstKey(map: ReadonlyMap<number, string>): number {
  const [first] = map.keys();
  return first ?? 0;
}
