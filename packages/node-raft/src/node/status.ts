/** How a member describes itself. */
import { emptyConf } from "../core/conf-state.ts";
import type { CoreStatus } from "../core/options.ts";
import { type MemberId, Role, type SoftState } from "../core/types.ts";
import type { RaftStatus } from "./api.ts";

interface Ids {
  readonly memberId: MemberId;
  readonly clusterId: string;
}

/** Before the member belongs to a cluster. */
export function emptyStatus(ids: Ids): RaftStatus {
  return {
    ...ids,
    role: Role.follower,
    term: 0,
    leader: "",
    leaderAddress: "",
    commit: 0,
    applied: 0,
    firstIndex: 1,
    lastIndex: 0,
    conf: emptyConf,
    confIndex: 0,
    snapshotIndex: 0,
    progress: {},
    level: 0,
    levels: {},
    quarantine: null,
    quarantined: [],
    silentMs: {},
  };
}

export function showStatus(
  ids: Ids,
  core: CoreStatus,
  snapshotIndex: number,
  known: Pick<RaftStatus, "silentMs" | "quarantine" | "quarantined" | "level" | "levels">,
): RaftStatus {
  const progress: Record<MemberId, RaftStatus["progress"][MemberId]> = {};
  for (const [id, { match, next, state, recentActive }] of Object.entries(core.progress)) {
    progress[id] = { match, next, state, active: recentActive };
  }
  // Field by field: asked after each turn by whoever watches the member.
  return {
    memberId: ids.memberId,
    clusterId: ids.clusterId,
    role: core.role,
    term: core.term,
    leader: core.leader,
    leaderAddress: core.leader === "" ? "" : (core.conf.addresses[core.leader] ?? ""),
    commit: core.commit,
    applied: core.applied,
    firstIndex: core.firstIndex,
    lastIndex: core.lastIndex,
    conf: core.conf,
    confIndex: core.confIndex,
    snapshotIndex,
    progress,
    level: known.level,
    levels: known.levels,
    quarantine: known.quarantine,
    quarantined: known.quarantined,
    silentMs: known.silentMs,
  };
}

export function leadershipOf(
  soft: SoftState,
  addressOf: (id: MemberId) => string,
): { leader: MemberId | ""; leaderAddress: string; term: number; self: boolean } {
  const leaderAddress = soft.leader === "" ? "" : addressOf(soft.leader);
  const self = soft.role === Role.leader;
  return { leader: soft.leader, leaderAddress, term: soft.term, self };
}
