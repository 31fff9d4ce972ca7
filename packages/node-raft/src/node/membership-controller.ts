/**
 * Lets the leader keep the voters it should have (RAFT.md §4.4): looks every few seconds and when
 * something happened, decides by `decideMembership`, performs at most one change at a time, and
 * looks again. On every member; only the one that leads does anything.
 */
import type { MemberId } from "../core/types.ts";
import type { LogLevel, RaftNode, RaftTimers } from "./api.ts";
import { RaftError } from "./api.ts";
import {
  decideAdmission,
  decideMembership,
  type MembershipDecision,
  type MembershipSettings,
  type MembershipView,
  type Spare,
} from "./decide-membership.ts";
import { realTimers } from "./real-world.ts";
import { type ServerFacts, type Sightings, watchMembers } from "./watch-members.ts";

export const membershipDefaults: MembershipSettings = {
  voters: null,
  standbys: 2,
  deadAfterMs: 60_000,
  replaceDead: true,
  stableMs: 10_000,
  contactMsMax: 1_000,
  trailingMax: 250,
};

/** A calm cluster is looked at so often. */
const LOOK_MS = 5_000;
/** While something is awaited: a standby that catches up, a change that was refused. */
const SOON_MS = 200;
const AWAITED: ReadonlySet<MembershipDecision["reason"]> = new Set([
  "standbys-not-ready",
  "change-pending",
  // So it is for a moment at the start of each leadership.
  "no-live-quorum",
]);

type ControlledNode = Pick<RaftNode<unknown>, "memberId" | "status" | "changeMembership" | "on">;

export interface MembershipDeps {
  readonly node: ControlledNode;
  readonly timers?: Pick<RaftTimers, "now" | "after"> | undefined;
  /** What the application knows of a member beside its log. */
  facts?(id: MemberId): ServerFacts;
  /** Servers outside Raft that were heard of a moment ago. */
  spares?(): readonly Spare[];
  /** Resolves when the spare waits, as a silent non-member of this cluster, to be added. */
  prepare?(spare: Spare): Promise<void>;
  log?(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>): void;
}

/** What the leader knows of the members; there are none elsewhere. */
export interface MembershipReport {
  readonly decision: MembershipDecision;
  readonly members: MembershipView["members"];
}

const NOT_LEADER: MembershipReport = {
  decision: { kind: "nothing", reason: "not-leader" },
  members: [],
};

export class MembershipController {
  readonly #deps: MembershipDeps;
  readonly #settings: MembershipSettings;
  readonly #timers: Pick<RaftTimers, "now" | "after">;
  #sightings: Sightings | null = null;
  #decision: MembershipDecision = NOT_LEADER.decision;
  /** The last lines: what is tried again and again is told once. */
  #told = "";
  #toldFailure = "";
  #cancel: () => void = () => undefined;
  #off: () => void = () => undefined;
  #running = false;
  #looking = false;
  #lookAgain = false;
  /** Changes wait for one another here. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(settings: Partial<MembershipSettings>, deps: MembershipDeps) {
    this.#settings = { ...membershipDefaults, ...settings };
    this.#deps = deps;
    this.#timers = deps.timers ?? realTimers;
  }

  /** Who is healthy now, and what the last look decided. */
  report(): MembershipReport {
    if (!this.#leads()) return NOT_LEADER;
    return { decision: this.#decision, members: this.#view().members };
  }

  get settings(): MembershipSettings {
    return this.#settings;
  }

  start(): void {
    this.#running = true;
    this.#off = this.#deps.node.on("leadership", () => this.wake());
    this.wake();
  }

  stop(): void {
    this.#running = false;
    this.#cancel();
    this.#off();
  }

  /** Something happened: look now. */
  wake(): void {
    this.#lookAgain = true;
    if (!this.#looking) void this.#look();
  }

  /**
   * Leader only: a server asks to take part. False = the cluster has all the members that it wants.
   * One that takes part already under another address is moved.
   */
  admit(server: { readonly id: MemberId; readonly address: string }): Promise<boolean> {
    const admitted = this.#exclusively(() => this.#admit(server));
    // Whatever came of it, the members may be others now.
    admitted.then(
      () => this.wake(),
      () => this.wake(),
    );
    return admitted;
  }

  async #admit(server: { readonly id: MemberId; readonly address: string }): Promise<boolean> {
    if (!this.#leads()) throw new RaftError("not-leader", "this member does not lead");
    const { conf, confIndex } = this.#deps.node.status();
    const isVoter = conf.voters.includes(server.id);
    const isKnown = isVoter || conf.learners.includes(server.id);
    if (isKnown && conf.addresses[server.id] === server.address) return true;
    const admission = isKnown
      ? { seat: true, remove: [] }
      : decideAdmission(this.#view(), this.#settings, server.address);
    if (!admission.seat) return false;
    const { remove } = admission;
    await this.#deps.node.changeMembership({
      ...(isVoter ? { addVoters: [server] } : { addLearners: [server] }),
      remove,
      expectConfIndex: confIndex,
    });
    return true;
  }

  async #look(): Promise<void> {
    this.#looking = true;
    let nextMs = LOOK_MS;
    while (this.#lookAgain && this.#running && this.#leads()) {
      this.#lookAgain = false;
      nextMs = await this.#exclusively(() => this.#decideAndAct());
    }
    this.#looking = false;
    this.#cancel();
    if (!this.#running || !this.#leads()) return;
    this.#cancel = this.#timers.after(nextMs, () => this.wake());
  }

  /** Milliseconds until the next look. */
  async #decideAndAct(): Promise<number> {
    if (!this.#leads()) return LOOK_MS;
    const view = this.#view();
    const decision = decideMembership(view, this.#settings);
    this.#tell(decision);
    this.#decision = decision;
    if (decision.kind === "nothing") return AWAITED.has(decision.reason) ? SOON_MS : this.#lookMs();
    try {
      const { spare } = decision;
      if (spare !== null) await this.#deps.prepare?.(spare);
      await this.#deps.node.changeMembership(decision.change);
      this.#toldFailure = "";
      this.#lookAgain = true;
      return SOON_MS;
    } catch (error) {
      this.#tellFailure({ reason: decision.reason, error: String(error) });
      return SOON_MS;
    }
  }

  #view(): MembershipView {
    const { node, facts, spares } = this.#deps;
    const look = {
      now: this.#timers.now(),
      status: node.status(),
      facts: facts ?? (() => ({ zone: "", level: null })),
      spares: spares?.() ?? [],
      gapMsMax: 2 * this.#lookMs(),
    };
    const { sightings, view } = watchMembers(this.#sightings, look, this.#settings);
    this.#sightings = sightings;
    return view;
  }

  /** Short enough to see a silence grow, and to be on time, whatever limit was set. */
  #lookMs(): number {
    return Math.max(SOON_MS, Math.min(LOOK_MS, this.#settings.deadAfterMs / 4));
  }

  #leads(): boolean {
    const { memberId, leader, role } = this.#deps.node.status();
    return role === "leader" && leader === memberId;
  }

  #exclusively<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(act);
    // Whoever asked hears of the failure; the next one only waits for the end.
    this.#turn = Promise.allSettled([turn]);
    return turn;
  }

  #tell(decision: MembershipDecision): void {
    const { reason } = decision;
    const line = decision.kind === "nothing" ? reason : JSON.stringify(decision.change);
    if (line === this.#told) return;
    this.#told = line;
    const change = decision.kind === "change" ? { ...decision.change } : {};
    const level = decision.kind === "change" ? "info" : "debug";
    this.#log(level, "members", { decision: decision.kind, reason, ...change });
  }

  #tellFailure(fields: Readonly<Record<string, unknown>>): void {
    const line = JSON.stringify(fields);
    if (line === this.#toldFailure) return;
    this.#toldFailure = line;
    this.#log("warn", "changing the members failed", { ...fields, again: `every ${SOON_MS} ms` });
  }

  #log(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>): void {
    this.#deps.log?.(level, message, fields);
  }
}
