/** The phases of an allocation that takes another's place (make before break, DESIGN §12.3). */
import { type Allocation, AllocPhase, isServerTerminal } from "@drover/model";

/** Placed beside the one it will replace: it may fetch what it needs but not start yet. */
export function isPreparing(alloc: Allocation): boolean {
  return alloc.phase === AllocPhase.prepare && !isServerTerminal(alloc);
}

/** Placed to run beside the one it will replace until it is healthy itself (DESIGN §12.2). */
export function isSurging(alloc: Allocation): boolean {
  return alloc.phase === AllocPhase.surge && !isServerTerminal(alloc);
}
