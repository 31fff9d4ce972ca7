/**
 * Who votes (RAFT.md §4.4; the rules are numbered in SPEC.md, "Membership controller"). Pure: from
 * what the leader sees of the members comes at most one change, or a reason why there is none.
 * What it never does: take away a vote without a live quorum before and after, pass through an even
 * number of voters on its own, or leave fewer live members to spare than there were.
 */
import type { MembershipChange } from "../core/options.ts";
import { majoritySize } from "../core/quorum.ts";
import type { MemberId } from "../core/types.ts";

export interface MembershipSettings {
  /** Voters wanted; null = as many as there are, an odd number from three to seven. */
  readonly voters: number | null;
  readonly standbys: number;
  /** A member that was silent for longer, and is not live, is replaced. */
  readonly deadAfterMs: number;
  /** False: dead members keep their seats until an operator acts. */
  readonly replaceDead: boolean;
  /** A standby votes once it has been healthy for so long; at once while fewer than three vote. */
  readonly stableMs: number;
  /** A healthy member has been heard of within this time. */
  readonly contactMsMax: number;
  /** A healthy member misses at most so many committed entries. */
  readonly trailingMax: number;
}

export interface MemberView {
  readonly id: MemberId;
  readonly address: string;
  readonly voter: boolean;
  readonly match: number;
  /** Not heard for so long, as far as we were watching. */
  readonly silentMs: number;
  /** Has acknowledged something of this leader's, and was heard just now. */
  readonly live: boolean;
  /** It says that its state must not be served: it can never lead. */
  readonly quarantined: boolean;
  /** Live and caught up. */
  readonly healthy: boolean;
  readonly healthyForMs: number;
  /** What fails together with others of the same zone; "" = not known. */
  readonly zone: string;
  /** The newest feature level that its program understands; null = not known. */
  readonly level: number | null;
}

/** A server outside Raft that answers and would take part. */
export interface Spare {
  readonly id: MemberId;
  readonly address: string;
  readonly zone: string;
  readonly level: number | null;
}

export interface MembershipView {
  readonly self: MemberId;
  readonly confIndex: number;
  /** The cluster's feature level. */
  readonly level: number;
  /** A change is on its way: its entry, or the joint configuration, is still there. */
  readonly pending: boolean;
  /** Ourselves among them, always healthy. */
  readonly members: readonly MemberView[];
  readonly spares: readonly Spare[];
}

export type ChangeReason =
  | "dead-voter-replaced"
  | "voters-completed"
  | "standby-added"
  | "surplus-voter-demoted";

export type NothingReason =
  | "not-leader"
  | "change-pending"
  | "no-live-quorum"
  /** A voter is dead, and no standby could take its place. */
  | "no-standby-for-dead"
  /** There are standbys enough to vote, but they are behind, or not yet for long enough there. */
  | "standbys-not-ready"
  /** Voters come in odd numbers: one more standby is needed first. */
  | "odd-number-first"
  | "no-spare"
  | "complete";

export type MembershipDecision =
  | {
      readonly kind: "change";
      readonly reason: ChangeReason;
      readonly change: MembershipChange & { readonly expectConfIndex: number };
      /** To be told that it takes part, before the change. */
      readonly spare: Spare | null;
    }
  | { readonly kind: "nothing"; readonly reason: NothingReason };

/** "never drop below 3 once reached" (RAFT.md §4.4). */
const VOTERS_MIN = 3;
const VOTERS_MAX = 7;

export function decideMembership(
  view: MembershipView,
  settings: MembershipSettings,
): MembershipDecision {
  if (view.pending) return nothing("change-pending");
  const voters = view.members.filter((member) => member.voter);
  if (marginOf(voters) < 0) return nothing("no-live-quorum");
  const wanted = votersWanted(voters.length, settings);
  return (
    demoteSurplus(view, wanted) ??
    replaceDead(view, settings) ??
    completeVoters(view, settings, wanted) ??
    addStandby(view, settings) ??
    nothing(whyNothing(view, settings, wanted))
  );
}

/** Whether a server that asks to take part gets a seat, and which dead standby it replaces. */
export function decideAdmission(
  view: Pick<MembershipView, "members">,
  settings: MembershipSettings,
  address: string,
): { readonly seat: boolean; readonly remove: readonly MemberId[] } {
  const voters = view.members.filter((member) => member.voter);
  const standbys = view.members.filter((member) => !member.voter);
  const seats = votersWanted(voters.length, settings) + settings.standbys;
  // An address is one server's: whoever had it began anew, with another id.
  const gone = standbys.find((member) => member.address === address);
  const dead = gone ?? standbys.find((member) => isDead(member, settings));
  const live = view.members.length - standbys.filter((m) => isDead(m, settings)).length;
  const remove = gone !== undefined || view.members.length >= seats ? dead : undefined;
  return { seat: live < seats || gone !== undefined, remove: remove ? [remove.id] : [] };
}

/** Live voters that may fail before there is no quorum any more; negative = there is none. */
function marginOf(voters: readonly MemberView[]): number {
  return voters.filter((member) => member.live).length - majoritySize(voters.length);
}

function votersWanted(voters: number, settings: MembershipSettings): number {
  const wanted = settings.voters ?? Math.max(VOTERS_MIN, voters);
  const kept = Math.max(wanted, Math.min(voters, VOTERS_MIN));
  const most = Math.min(kept, VOTERS_MAX);
  return most % 2 === 0 ? most - 1 : most;
}

/** One in quarantine is as good as dead, and known to stay so. */
function isDead(member: MemberView, settings: MembershipSettings): boolean {
  const gone = member.quarantined || member.silentMs > settings.deadAfterMs;
  return settings.replaceDead && !member.live && gone;
}

/**
 * C4: those that are not live first, then silent ones, never the leader. What remains may lose as
 * many as before, or as N may: either only live ones are left, or every live one is.
 */
function demoteSurplus(view: MembershipView, wanted: number): MembershipDecision | null {
  const voters = view.members.filter((member) => member.voter);
  const surplus = voters.length - wanted;
  if (surplus <= 0) return null;
  const others = voters.filter((member) => member.id !== view.self);
  const byWorth = others.sort((a, b) => Number(a.live) - Number(b.live) || longestSilent(a, b));
  const demoted = byWorth.slice(0, surplus);
  return change(view, "surplus-voter-demoted", { addLearners: demoted.map(place) });
}

/**
 * C1: one joint change. The dead one keeps a seat as a standby: should it return, it is brought up
 * to date; should it not, whoever takes the seat replaces it (C3).
 */
function replaceDead(
  view: MembershipView,
  settings: MembershipSettings,
): MembershipDecision | null {
  const dead = deadVoters(view, settings)[0];
  const heir = readyStandbys(view, settings, { stable: false })[0];
  if (dead === undefined || heir === undefined) return null;
  const parts = { addVoters: [place(heir)], addLearners: [place(dead)] };
  return change(view, "dead-voter-replaced", parts);
}

function deadVoters(view: MembershipView, settings: MembershipSettings): readonly MemberView[] {
  const dead = view.members.filter(
    (member) => member.voter && member.id !== view.self && isDead(member, settings),
  );
  return dead.sort(longestSilent);
}

function longestSilent(a: MemberView, b: MemberView): number {
  return b.silentMs - a.silentMs || (a.id < b.id ? -1 : 1);
}

/** C2: as many as make an odd number, so from one voter to three at once. */
function completeVoters(
  view: MembershipView,
  settings: MembershipSettings,
  wanted: number,
): MembershipDecision | null {
  const voters = view.members.filter((member) => member.voter).length;
  const ready = readyStandbys(view, settings, { stable: voters >= VOTERS_MIN });
  const most = Math.min(wanted - voters, ready.length);
  const count = (voters + most) % 2 === 0 ? most - 1 : most;
  if (count <= 0) return null;
  return change(view, "voters-completed", { addVoters: ready.slice(0, count).map(place) });
}

/**
 * Healthy, with a program that understands all; the first one is the best: a zone where nobody
 * votes yet.
 */
function readyStandbys(
  view: MembershipView,
  settings: MembershipSettings,
  options: { readonly stable: boolean },
): readonly MemberView[] {
  const least = options.stable ? settings.stableMs : 0;
  const ready = view.members.filter(
    (m) => !m.voter && m.healthy && m.healthyForMs >= least && understands(m, view.level),
  );
  const zones = zonesOf(view.members.filter((m) => m.voter && m.live));
  const better = (a: MemberView, b: MemberView): number =>
    Number(zones.has(a.zone)) - Number(zones.has(b.zone)) ||
    b.match - a.match ||
    (a.id < b.id ? -1 : 1);
  return spreadOut(ready.sort(better), zones);
}

/** Of those that are equally new to the zones in use, one of each zone goes first. */
function spreadOut<T extends { readonly zone: string }>(
  ranked: readonly T[],
  zones: ReadonlySet<string>,
): readonly T[] {
  const used = new Set(zones);
  const first: T[] = [];
  const later: T[] = [];
  for (const item of ranked) {
    (used.has(item.zone) ? later : first).push(item);
    used.add(item.zone);
  }
  return [...first, ...later];
}

function zonesOf(members: readonly MemberView[]): Set<string> {
  return new Set(members.map((member) => member.zone));
}

/** Who does not say is believed to. */
function understands(one: { readonly level: number | null }, level: number): boolean {
  return one.level === null || one.level >= level;
}

/** C3: the newcomer takes the seat of a dead standby, where there is one. */
function addStandby(view: MembershipView, settings: MembershipSettings): MembershipDecision | null {
  const live = view.members.filter((m) => !m.voter && !isDead(m, settings)).length;
  if (live >= settings.standbys) return null;
  const zones = zonesOf(view.members.filter((member) => !isDead(member, settings)));
  const better = (a: Spare, b: Spare): number =>
    Number(zones.has(a.zone)) - Number(zones.has(b.zone)) || (a.id < b.id ? -1 : 1);
  const spare = view.spares
    .filter((one) => !view.members.some((member) => member.id === one.id))
    .filter((one) => understands(one, view.level))
    .sort(better)[0];
  if (spare === undefined) return null;
  const { remove } = decideAdmission(view, settings, spare.address);
  const { id, address } = spare;
  return change(view, "standby-added", { addLearners: [{ id, address }], remove }, spare);
}

function whyNothing(
  view: MembershipView,
  settings: MembershipSettings,
  wanted: number,
): NothingReason {
  const voters = view.members.filter((member) => member.voter).length;
  const standbys = view.members.filter((m) => !m.voter && !isDead(m, settings)).length;
  if (deadVoters(view, settings).length > 0) {
    return standbys > 0 ? "standbys-not-ready" : "no-standby-for-dead";
  }
  const missing = wanted - voters;
  if (missing > 0) {
    const least = voters % 2 === 0 ? 1 : 2;
    if (standbys >= Math.min(least, missing)) return "standbys-not-ready";
    return standbys > 0 ? "odd-number-first" : "no-spare";
  }
  return standbys < settings.standbys ? "no-spare" : "complete";
}

function place(member: { readonly id: MemberId; readonly address: string }) {
  return { id: member.id, address: member.address };
}

function change(
  view: MembershipView,
  reason: ChangeReason,
  parts: MembershipChange,
  spare: Spare | null = null,
): MembershipDecision {
  const expectConfIndex = view.confIndex;
  return { kind: "change", reason, change: { ...parts, expectConfIndex }, spare };
}

function nothing(reason: NothingReason): MembershipDecision {
  return { kind: "nothing", reason };
}
