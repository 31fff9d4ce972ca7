/**
 * What the leader knows of each member's health over time. Pure: each look is folded into the
 * sightings of the one before. Time in which we did not look does not count against anybody: a
 * leader that was stopped for a minute has heard nobody for a minute, and all of them are well.
 */
import { isJoint } from "../core/conf-state.ts";
import type { MemberId } from "../core/types.ts";
import type { RaftStatus } from "./api.ts";
import type { MembershipSettings, MembershipView, MemberView, Spare } from "./decide-membership.ts";

export interface Sightings {
  readonly at: number;
  /** When this leadership was first looked at. */
  readonly since: number;
  readonly term: number;
  readonly members: ReadonlyMap<MemberId, Sighting>;
}

interface Sighting {
  readonly silentMs: number;
  readonly live: boolean;
  /** -1 = not healthy now. */
  readonly healthySince: number;
}

/** What is known of a server beside its log. */
export interface ServerFacts {
  readonly zone: string;
  readonly level: number | null;
}

export interface Look {
  readonly now: number;
  readonly status: RaftStatus;
  readonly facts: (id: MemberId) => ServerFacts;
  readonly spares: readonly Spare[];
  /** Longer between two looks: we were not watching. */
  readonly gapMsMax: number;
}

export function watchMembers(
  before: Sightings | null,
  look: Look,
  settings: MembershipSettings,
): { readonly sightings: Sightings; readonly view: MembershipView } {
  const { status, now } = look;
  // What an earlier leadership saw says nothing of the time in between.
  const last = before?.term === status.term ? before : null;
  const members = new Map<MemberId, Sighting>();
  const ids = [...status.conf.voters, ...status.conf.learners];
  for (const id of ids) {
    if (id !== status.memberId) members.set(id, sightingOf(id, last, look, settings));
  }
  const since = last?.since ?? now;
  const sightings = { at: now, since, term: status.term, members };
  const view: MembershipView = {
    self: status.memberId,
    confIndex: status.confIndex,
    level: status.conf.level ?? 0,
    pending: isJoint(status.conf) || status.confIndex > status.commit,
    members: ids.map((id) => memberView(id, members.get(id), look, since)),
    spares: look.spares,
  };
  return { sightings, view };
}

function sightingOf(
  id: MemberId,
  last: Sightings | null,
  look: Look,
  settings: MembershipSettings,
): Sighting {
  const { status, now } = look;
  const heard = status.silentMs[id] ?? 0;
  const seen = last?.members.get(id);
  const gapMs = last === null ? 0 : now - last.at;
  const watchedMs = Math.min(gapMs, look.gapMsMax);
  // Silence that we did not see grow is not counted.
  const silentMs = Math.min(heard, (seen?.silentMs ?? 0) + watchedMs);
  const match = status.progress[id]?.match ?? 0;
  // Its log helps to commit, but it cannot lead: nothing may be built on it.
  const isSound = !status.quarantined.includes(id);
  const live = isSound && match > 0 && heard <= settings.contactMsMax;
  const healthy = live && match >= status.commit - settings.trailingMax;
  if (!healthy) return { silentMs, live, healthySince: -1 };
  const wasHealthy = seen !== undefined && seen.healthySince >= 0 && gapMs <= look.gapMsMax;
  return { silentMs, live, healthySince: wasHealthy ? seen.healthySince : now };
}

function memberView(
  id: MemberId,
  sighting: Sighting | undefined,
  look: Look,
  since: number,
): MemberView {
  const { status, now } = look;
  const common = {
    id,
    address: status.conf.addresses[id] ?? "",
    voter: status.conf.voters.includes(id),
    quarantined: status.quarantined.includes(id),
    ...look.facts(id),
  };
  if (sighting === undefined) {
    const well = { silentMs: 0, live: true, healthy: true };
    return { ...common, ...well, match: status.lastIndex, healthyForMs: now - since };
  }
  const { silentMs, live, healthySince } = sighting;
  return {
    ...common,
    match: status.progress[id]?.match ?? 0,
    silentMs,
    live,
    healthy: healthySince >= 0,
    healthyForMs: healthySince >= 0 ? now - healthySince : 0,
  };
}
