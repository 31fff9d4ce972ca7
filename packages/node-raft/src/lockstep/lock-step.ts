/**
 * Plays one schedule on both sides: every command goes to the member on our core and to its double
 * on etcd's, and after each the two must agree. The messages of one side travel; the other side
 * gets the same ones, so that neither's flow control leads the two apart.
 */

import { bootstrapState } from "../core/bootstrap.ts";
import { isJoint } from "../core/conf-state.ts";
import type { CoreInitial, CoreOptions, CoreStatus, MembershipChange } from "../core/options.ts";
import type { RaftCore } from "../core/raft.ts";
import type { Entry, MemberId, Message, SnapshotMeta } from "../core/types.ts";
import { SimRandom } from "../sim/random.ts";
import type { EtcdPeer, Result } from "./etcd-peer.ts";
import { isLeaderLeaving, mustApply, type ReadsAt, Said, type Turn } from "./normalise.ts";
import { OurMember } from "./our-member.ts";
import type { Schedule, Settings } from "./schedule.ts";
import {
  type ComparedState,
  ConfTable,
  fromWire,
  renderMeta,
  toWire,
  type WireMessage,
} from "./wire.ts";

/** The two disagree. */
export class Disagreement extends Error {
  override readonly name = "Disagreement";
}

/** The schedule ends early: what follows is different on purpose. */
export class Parted extends Error {
  override readonly name = "Parted";
}

export interface Counts {
  steps: number;
  comparisons: number;
  readonly events: Map<string, number>;
}

export interface LockStepDeps {
  readonly world: number;
  readonly peer: EtcdPeer;
  readonly newCore: (options: CoreOptions) => RaftCore;
  readonly counts: Counts;
}

/** What our member is to do, and what its double is told. */
export interface Input {
  readonly op: string;
  /** Returns false when our side refused: its double is not asked then. */
  readonly ours: (member: OurMember) => unknown;
  readonly message?: Message;
  readonly fields?: Readonly<Record<string, unknown>>;
  /** More of them, of what our member has said. */
  readonly fieldsAfter?: (sent: readonly Message[]) => Readonly<Record<string, unknown>>;
  /** The double is not asked: its state must be the same without. */
  readonly oursOnly?: boolean;
}

interface Pair {
  readonly ours: OurMember;
  readonly said: Said;
  /** As last told; the double tells only changes. */
  theirLog: string;
  elapsed: number;
  /** Reads by our number → the name that its double knows. */
  readonly asked: Map<number, string>;
  /** Term in which one waits for the leader's first commit. */
  waitingIn: number;
}

export class LockStep {
  readonly settings: Settings;
  readonly network: WireMessage[] = [];
  /** Members that are cut off from the others. */
  cut: ReadonlySet<MemberId> = new Set();
  readonly #deps: LockStepDeps;
  readonly #voters: readonly MemberId[];
  readonly #random: SimRandom;
  readonly #pairs = new Map<MemberId, Pair>();
  readonly #confs = new ConfTable();
  #turn = 0;

  constructor(schedule: Schedule, deps: LockStepDeps) {
    this.settings = schedule.settings;
    this.#deps = deps;
    this.#random = new SimRandom(schedule.seed, "members");
    this.#voters = Array.from({ length: schedule.settings.voters }, (_, i) => `${i + 1}`);
  }

  async start(): Promise<void> {
    const { settings } = this;
    const members = this.#voters;
    const start = bootstrapState(members.map((id) => ({ id, address: "" })));
    for (const entry of start.entries) this.#confs.note(entry);
    for (const id of members) this.#addPair(id, { ...start, snapshot: null });
    await this.#deps.peer.call({
      world: this.#deps.world,
      op: "new",
      voters: members.map(Number),
      timeouts: members.map((id) => this.member(id).timeout),
      electionTicks: settings.electionTicksMin,
      heartbeatTicks: 1,
      bytesMax: settings.messageBytesMax,
      inflights: settings.inflightMessagesMax,
    });
    for (const id of members) await this.input(id, { op: "disk", ours: () => {} }, 0);
  }

  async end(): Promise<void> {
    await this.#deps.peer.call({ world: this.#deps.world, op: "end" });
  }

  get ids(): readonly MemberId[] {
    return [...this.#pairs.keys()];
  }

  member(id: MemberId): OurMember {
    return this.#pair(id).ours;
  }

  /** Ticks of the member since it last looked for its quorum. */
  elapsed(id: MemberId): number {
    return this.#pair(id).elapsed;
  }

  count(event: string, by = 1): void {
    const { events } = this.#deps.counts;
    events.set(event, (events.get(event) ?? 0) + by);
  }

  /** A member that holds nothing yet, and is in nobody's configuration. */
  async add(id: MemberId): Promise<void> {
    this.#addPair(id, { hardState: null, snapshot: null, entries: [] });
    await this.input(id, { op: "add", ours: () => {} });
  }

  async propose(id: MemberId): Promise<void> {
    const data = `p${this.#turn}`;
    let accepted = false;
    const ours = ({ core }: OurMember) => {
      const bytes = Uint8Array.from(data, (c) => c.charCodeAt(0));
      accepted = core.propose([bytes]).kind === "accepted";
    };
    const result = await this.input(id, { op: "propose", ours, fields: { data } });
    this.#agree(id, "a proposal is taken", accepted, result?.accepted);
    if (accepted) this.count("proposals");
  }

  async read(id: MemberId): Promise<void> {
    const pair = this.#pair(id);
    const requestId = this.#turn + 1;
    const own = `own${requestId}`;
    pair.asked.set(requestId, own);
    await this.input(id, {
      op: "read",
      ours: ({ core }) => core.readIndex(requestId),
      fieldsAfter: (sent) => {
        const forwarded = sent.find(({ type }) => type === "readIndex");
        const name = forwarded?.type === "readIndex" ? `${forwarded.requestId}` : own;
        pair.asked.set(requestId, name);
        return { data: name };
      },
    });
    this.count("reads asked");
  }

  /** What the member has to do with reads; the caller asks it for one more. */
  readsAt(id: MemberId): ReadsAt {
    const { asked, ours, waitingIn } = this.#pair(id);
    const forwarded = new Set([...asked.values()].map(Number));
    const { conf, term } = ours.status;
    // N30: a single voter asks nobody there, not even for its first commit (I1).
    const alone = conf.voters.length === 1 && !isJoint(conf);
    const mayWait = waitingIn !== term && !this.settings.slowDisk;
    const unlike = alone ? conf.learners.length > 0 || !ours.mayRead : !ours.mayRead && !mayWait;
    return { forwarded, unlike };
  }

  /** One more waits for the leader's first commit, if it has none. */
  noteRead(id: MemberId): void {
    const pair = this.#pair(id);
    const { role, term } = pair.ours.status;
    if (role === "leader" && !pair.ours.mayRead) pair.waitingIn = term;
  }

  async change(id: MemberId, change: MembershipChange): Promise<void> {
    const before = this.member(id).status.conf;
    const named = [
      ...(change.addVoters ?? []).map((m) => ({ kind: "voter", id: Number(m.id) })),
      ...(change.addLearners ?? []).map((m) => ({ kind: "learner", id: Number(m.id) })),
      ...(change.remove ?? []).map((each) => ({ kind: "remove", id: Number(each) })),
    ];
    const ours = ({ core }: OurMember) => {
      if (core.proposeConf(change).kind === "refused") return false;
      const { conf } = core.status();
      const joint = conf.votersOutgoing.length > 0;
      this.count(joint ? "joint changes" : "simple changes");
      return true;
    };
    const joint = named.some(
      (each) => each.kind === "voter" || before.voters.includes(`${each.id}`),
    );
    await this.input(id, { op: "conf", ours, fields: { changes: named, joint } });
  }

  /** The writes up to that command's reach the disk; all of them by default. */
  async disk(id: MemberId, turn = Number.MAX_SAFE_INTEGER): Promise<void> {
    const until = Math.min(turn, this.#turn + 1);
    const ours = () => {};
    await this.input(id, { op: "disk", ours }, until);
  }

  async deliver(wire: WireMessage, receivers: "both" | "ours"): Promise<void> {
    const message = fromWire(wire, this.#confs);
    await this.input(message.to, {
      op: "step",
      message,
      ours: ({ core }) => core.step(message),
      fields: { message: wire },
      oursOnly: receivers === "ours",
    });
  }

  async compact(id: MemberId, index: number): Promise<void> {
    let meta: SnapshotMeta | null = null;
    const ours = (member: OurMember) => {
      meta = member.compact(index);
    };
    const result = await this.input(id, { op: "compact", ours, fields: { index } });
    this.#agree(id, "the snapshot", renderMeta(meta), renderMeta(result?.snapshot ?? null));
    this.count("compactions");
  }

  async crash(id: MemberId, turn: number): Promise<void> {
    this.#pair(id).said.forget();
    this.#pair(id).asked.clear();
    await this.input(id, { op: "crash", ours: (member) => member.crash(turn) }, turn);
  }

  /** One command, on both sides; then they are compared. */
  async input(id: MemberId, input: Input, released = -1): Promise<Result | null> {
    const { ours: member } = this.#pair(id);
    this.#turn += 1;
    const at = member.status;
    const sent = this.#runOurs(member, input, input.op === "crash" ? -1 : released);
    if (sent === null) return null;
    if (isLeaderLeaving(at, member.status)) throw new Parted(`${id} leads and leaves`);
    this.#countEvents(input.op, at, member.status);
    this.#deps.counts.steps += 1;
    const more = input.fieldsAfter?.(sent) ?? {};
    const result = await this.#runTheirs(
      member,
      { ...input, fields: { ...input.fields, ...more } },
      released,
    );
    if (result.error !== undefined) throw new Disagreement(`they fail at ${id}: ${result.error}`);
    this.#compare(id, result, sent, { input: input.message ?? null, at });
    this.#send(this.settings.source === "ours" ? sent.map(toWire) : result.sent);
    return result;
  }

  #runOurs(member: OurMember, input: Input, released: number): Message[] | null {
    const note = (entries: readonly Entry[]) => {
      for (const entry of entries) this.#confs.note(entry);
    };
    const turn = this.#turn;
    try {
      if (input.ours(member) === false) return null;
      const sent = [...member.release(released), ...member.settle(turn, note)];
      const all = released >= turn || this.#isInstant(member);
      while (all && !member.idle) {
        sent.push(...member.release(turn), ...member.settle(turn, note));
      }
      return sent;
    } catch (error) {
      throw new Disagreement(`we fail at ${member.id}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  async #runTheirs(member: OurMember, input: Input, released: number): Promise<Result> {
    const { world, peer } = this.#deps;
    const op = input.oursOnly ? "disk" : input.op;
    return peer.call({
      world,
      op,
      node: Number(member.id),
      turn: this.#turn,
      index: Math.max(released, 0),
      timeout: member.timeout,
      flush: this.#isInstant(member),
      commit: member.status.commit,
      ...input.fields,
    });
  }

  #isInstant({ status }: OurMember): boolean {
    return (
      !this.settings.slowDisk || (status.role === "leader" && mustApply(this.settings, status))
    );
  }

  #compare(id: MemberId, result: Result, sent: readonly Message[], turn: Turn): void {
    const pair = this.#pair(id);
    const { state } = result;
    if (state === undefined) throw new Error(`no state of ${id}`);
    const { idle, elapsed, ...theirs } = state;
    pair.theirLog = theirs.log ?? pair.theirLog;
    pair.elapsed = elapsed;
    const ours = pair.ours.state();
    const quiet = idle && pair.ours.idle;
    for (const field of FIELDS) {
      // N23: what is durable, and with it what is applied, is known at other moments.
      if (field === "applied" && !quiet) continue;
      const their = field === "log" ? pair.theirLog : theirs[field];
      this.#agree(id, field, ours[field], their);
    }
    this.#compareReads(id, pair, result);
    pair.said.add(
      sent,
      result.sent.map((m) => fromWire(m, this.#confs)),
      turn,
    );
    this.#deps.counts.comparisons += sent.length;
    const difference = pair.said.difference(quiet);
    if (difference !== null) throw new Disagreement(`at ${id}: ${difference}`);
  }

  #compareReads(id: MemberId, { ours, asked }: Pair, { reads = [] }: Result): void {
    const { answered, failed } = ours.takeReads();
    const names = answered.map(({ requestId, index }) => `${asked.get(requestId)} at ${index}`);
    this.#agree(
      id,
      "reads",
      names,
      reads.map(({ name, index }) => `${name} at ${index}`),
    );
    this.count("reads answered", answered.length);
    for (const requestId of [...answered.map((each) => each.requestId), ...failed]) {
      asked.delete(requestId);
    }
  }

  #agree(id: MemberId, what: string, ours: unknown, theirs: unknown): void {
    this.#deps.counts.comparisons += 1;
    const [a, b] = [ordered(ours), ordered(theirs)];
    if (a !== b) throw new Disagreement(`${what} of ${id}: ours ${a}, theirs ${b}`);
  }

  #send(messages: readonly WireMessage[]): void {
    for (const message of messages) {
      const lost = this.cut.has(message.from) !== this.cut.has(message.to);
      if (!lost && this.#pairs.has(message.to)) this.network.push(message);
      this.count(lost ? "messages cut off" : "messages sent");
    }
  }

  #countEvents(op: string, before: CoreStatus, after: CoreStatus): void {
    if (after.role === "leader" && before.role !== "leader") this.count("leaders elected");
    if (after.role === "follower" && before.role === "leader") this.count("leaders stepped down");
    if (after.commit > before.commit) this.count("entries committed", after.commit - before.commit);
    const replaced = this.member(after.id).takeReplaced();
    if (replaced > 0) this.count("log ends replaced", replaced);
    if (op === "step" && after.firstIndex > before.firstIndex) this.count("snapshots installed");
  }

  #addPair(id: MemberId, start: CoreInitial): void {
    const ours = new OurMember({
      id,
      disk: { ...start, entries: [...start.entries] },
      settings: this.settings,
      random: this.#random.fork(id),
      newCore: this.#deps.newCore,
    });
    this.#pairs.set(id, {
      ours,
      said: new Said(),
      theirLog: "",
      elapsed: 0,
      asked: new Map(),
      waitingIn: 0,
    });
  }

  #pair(id: MemberId): Pair {
    const pair = this.#pairs.get(id);
    if (pair === undefined) throw new Error(`no member ${id}`);
    return pair;
  }
}

const FIELDS = [
  "role",
  "term",
  "vote",
  "leader",
  "commit",
  "applied",
  "first",
  "log",
  "match",
  "conf",
  "transfer",
] as const satisfies readonly (keyof ComparedState)[];

function ordered(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "undefined";
  return JSON.stringify(Object.entries(value).sort());
}
