/**
 * Keeps a plan below the size of a log entry (DESIGN §5). What is left out is decided again from
 * the state that the first part has made, as with a plan that nodes have refused in part.
 */
import { type Plan, withoutSuccess } from "@drover/model";
import { encodeMessage } from "@drover/wire";

/** Fewer parts than this never come near the size of an entry. */
const PARTS_FREE = 256;

/** The same object when all of it fits. Stops come first: they make room for the placements. */
export function limitPlan(plan: Plan, bytesMax: number): Plan {
  const parts = plan.stops.length + plan.placements.length + plan.attributeUpdates.length;
  // All or nothing cannot be cut; when it is too large the log refuses it by name.
  if (parts <= PARTS_FREE || plan.allAtOnce) return plan;
  let left = bytesMax;
  const take = <T>(items: readonly T[]): readonly T[] => {
    const end = items.findIndex((item) => {
      left -= encodeMessage(item).byteLength;
      return left < 0;
    });
    return end < 0 ? items : items.slice(0, end);
  };
  const stops = take(plan.stops);
  const placements = take(plan.placements);
  const attributeUpdates = take(plan.attributeUpdates);
  if (left >= 0) return plan;
  const deploymentUpdates = withoutSuccess(plan);
  return { ...plan, stops, placements, attributeUpdates, deploymentUpdates };
}
