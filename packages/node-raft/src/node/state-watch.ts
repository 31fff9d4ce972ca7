/**
 * Keeps a member whose state differs from the majority's from serving it (rules H1 to H9 of
 * SPEC.md): brings checkpoints and heartbeats to `Agreement`, remembers a quarantine durably, and
 * says what it means. What a quarantined member does not do any more is the engine's part.
 */
import { allMembers } from "../core/conf-state.ts";
import type { ConfState, MemberId, Message } from "../core/types.ts";
import { type Quarantine, type RaftStorage, whenItDiffered } from "../wal/storage.ts";
import { Agreement, CHECKPOINT_EVERY } from "./agreement.ts";
import type { LogLevel, StateMachine } from "./api.ts";

/** A quarantined member's log is never compacted; beyond this it takes no more entries. */
const QUARANTINE_LOG_BYTES_MAX = 256 * 1024 * 1024;

export interface StateWatchDeps {
  readonly self: MemberId;
  readonly stateMachine: Pick<StateMachine<unknown>, "digest">;
  readonly storage: Pick<RaftStorage, "quarantine">;
  readonly log: (level: LogLevel, message: string, fields: Record<string, unknown>) => void;
  /** Of an earlier life. */
  readonly quarantine: Quarantine | null;
  /** What the log holds at the start. */
  readonly logBytes: number;
  /** Just now; once, not for one of an earlier life. */
  onQuarantine(why: Quarantine): void;
  onFatal(error: Error): void;
}

export class StateWatch {
  readonly #deps: StateWatchDeps;
  readonly #agreement: Agreement;
  #quarantine: Quarantine | null;
  readonly #quarantined = new Set<MemberId>();
  #asked = 0;
  #logBytes: number;

  constructor(deps: StateWatchDeps) {
    this.#deps = deps;
    this.#agreement = new Agreement(deps.self);
    this.#quarantine = deps.quarantine;
    this.#logBytes = deps.logBytes;
    if (deps.quarantine !== null) this.#tell(deps.quarantine);
  }

  get quarantine(): Quarantine | null {
    return this.#quarantine;
  }

  /** Members that said so of themselves; whoever leads has heard it with their last answer. */
  get others(): ReadonlySet<MemberId> {
    return this.#quarantined;
  }

  /** How far the state machine may apply in one call: a checkpoint ends it. */
  applyUpTo(next: number): number {
    if (this.#deps.stateMachine.digest === undefined) return Number.MAX_SAFE_INTEGER;
    return Math.ceil(next / CHECKPOINT_EVERY) * CHECKPOINT_EVERY;
  }

  /** The state machine has applied up to `index`. */
  reached(index: number): void {
    if (index % CHECKPOINT_EVERY !== 0 || this.#quarantine !== null) return;
    const digest = this.#deps.stateMachine.digest?.();
    if (digest === undefined) return;
    this.#agreement.reached(index, digest);
    this.#judge();
  }

  restarted(): void {
    this.#agreement.restarted();
  }

  leadershipChanged(): void {
    this.#agreement.forget();
  }

  /** Leader, once per tick. */
  tick(conf: ConfState): void {
    const members = new Set(allMembers(conf));
    for (const id of this.#quarantined) if (!members.has(id)) this.#quarantined.delete(id);
    const found = this.#agreement.endBeat(conf, this.#quarantined);
    if (found === null) return;
    const what =
      found.agreed === null
        ? "the members' states differ, and no majority has the same"
        : "a member's state differs from the majority's";
    this.#deps.log("error", what, { ...found });
  }

  /** What is sent takes along what is asked, known and answered. */
  addTo(message: Message, conf: ConfState): Message {
    if (message.type === "heartbeat") return { ...message, ...this.#agreement.ask(conf) };
    if (message.type !== "heartbeatReply") return message;
    if (this.#quarantine !== null) return { ...message, quarantined: true };
    const checkDigest = this.#agreement.digestAt(this.#asked);
    return checkDigest === "" ? message : { ...message, checkIndex: this.#asked, checkDigest };
  }

  hear(message: Message, conf: ConfState): void {
    if (message.type === "heartbeat") this.#heartbeat(message);
    if (message.type === "heartbeatReply") this.#answer(message, conf);
    if (this.#quarantine !== null && message.type === "append") {
      for (const entry of message.entries) this.#logBytes += entry.data.length;
    }
  }

  /** Too much would be kept for a member that can only be thrown away. */
  isFull(): boolean {
    return this.#quarantine !== null && this.#logBytes > QUARANTINE_LOG_BYTES_MAX;
  }

  #heartbeat(message: Message & { type: "heartbeat" }): void {
    const { checkIndex = 0, agreedIndex = 0, agreedDigest = "" } = message;
    this.#asked = checkIndex;
    if (agreedIndex === 0) return;
    this.#agreement.learned(agreedIndex, agreedDigest);
    this.#judge();
  }

  #answer(message: Message & { type: "heartbeatReply" }, conf: ConfState): void {
    const { from, checkIndex = 0, checkDigest = "", quarantined = false } = message;
    // For good, whatever an earlier answer that comes late says.
    if (quarantined && !this.#quarantined.has(from)) {
      this.#quarantined.add(from);
      this.#deps.log("error", "a member is in quarantine", { peer: from });
    }
    this.#agreement.heard(from, checkIndex, checkDigest, conf);
    this.#judge();
  }

  #judge(): void {
    const why = this.#agreement.verdict;
    if (why === null || this.#quarantine !== null) return;
    this.#quarantine = why;
    this.#tell(why);
    // Should the disk refuse, the member stops: then it serves nothing either.
    this.#deps.storage.quarantine(why).catch((error: unknown) => {
      this.#deps.onFatal(error instanceof Error ? error : new Error(String(error)));
    });
    this.#deps.onQuarantine(why);
  }

  #tell(why: Quarantine): void {
    this.#deps.log("error", describeQuarantine(why), { ...why });
  }
}

/** For operators: since when, and what to do. */
export function describeQuarantine(why: Quarantine): string {
  const since = whenItDiffered(why);
  return (
    `in quarantine: this member's state is not the majority's, first seen ${since}; ` +
    "stop it, move its data directory away and let the machine join again under a new id"
  );
}
