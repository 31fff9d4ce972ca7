/** What the simulated controllers are told, and what their checker knows beside it. */
import type { MemberId } from "../core/types.ts";
import type { MembershipSettings } from "../node/decide-membership.ts";

/** Simulated milliseconds; an election takes 100 to 200, a round trip at most 12. */
export const upkeepSettings: MembershipSettings = {
  voters: null,
  standbys: 2,
  deadAfterMs: 700,
  replaceDead: true,
  stableMs: 200,
  contactMsMax: 150,
  trailingMax: 40,
};

/** The leader may believe in what it saw that long: the limit of contact, and its round trips. */
export const BELIEF_MS = upkeepSettings.contactMsMax + 150;

/** What really is, whatever the leader believes. */
export interface UpkeepTruth {
  isDown(id: MemberId, forMs: number): boolean;
  /** How long nothing of `from` had arrived at `to`, a moment ago. */
  silenceOf(from: MemberId, to: MemberId): number;
  levelOf(id: MemberId): number;
}
