/** What the members' health adds up to, in the words of raft-autopilot. */
import { majoritySize } from "../core/quorum.ts";
import type { MemberView } from "./decide-membership.ts";

export interface MembershipHealth {
  /** All of them, standbys too. */
  readonly healthy: boolean;
  /** Voters that may fail before nothing can be written any more. */
  readonly failureTolerance: number;
}

export function membershipHealth(
  members: readonly Pick<MemberView, "voter" | "healthy">[],
): MembershipHealth {
  const voters = members.filter((member) => member.voter);
  const healthy = voters.filter((member) => member.healthy).length;
  return {
    healthy: members.length > 0 && members.every((member) => member.healthy),
    failureTolerance: Math.max(0, healthy - majoritySize(voters.length)),
  };
}
