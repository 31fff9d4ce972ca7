/** Whom a leader hands over to. */
import type { CoreStatus } from "../core/options.ts";
import type { MemberId } from "../core/types.ts";

/**
 * The voter whose log is furthest, of those heard of since the last check-quorum where there are
 * any: right after one nobody counts as heard. Null when there is no other voter.
 */
export function bestVoter(status: CoreStatus): MemberId | null {
  const others = status.conf.voters.flatMap((id) => {
    const progress = status.progress[id];
    return id === status.id || progress === undefined ? [] : [{ id, ...progress }];
  });
  others.sort((a, b) => Number(b.recentActive) - Number(a.recentActive) || b.match - a.match);
  return others[0]?.id ?? null;
}
