/** How well an allocation fills a node, 0 to 1 (spec §6.4, `binpack`). */
import type { Amount } from "../feasible/resources.ts";

const FIT_MAX = 18;

/** `used` includes the allocation to be placed. `spread` prefers empty nodes instead of full ones. */
export function scoreFit(
  algorithm: string,
  { capacity, used }: { readonly capacity: Amount; readonly used: Amount },
): number {
  const freeCpu = capacity.cpu > 0 ? 1 - used.cpu / capacity.cpu : 0;
  const freeMemory = capacity.memoryMb > 0 ? 1 - used.memoryMb / capacity.memoryMb : 0;
  const total = 10 ** freeCpu + 10 ** freeMemory;
  const fit = algorithm === "spread" ? total - 2 : 20 - total;
  return Math.min(FIT_MAX, Math.max(0, fit)) / FIT_MAX;
}
