/**
 * What is wrong with a history of reads and writes in which no value is written twice (Gibbons and
 * Korach, "Testing shared memories", 1997). The operations on one value form a zone between the
 * first completion and the last invocation. Where they are apart the value has to be current in
 * between: two such zones may not overlap, nor may one enclose a value that fits nowhere else.
 * Refutes long histories at once that a search would need ages for.
 */
import type { Operation } from "./linearizability.ts";

export interface ValueOperation<State> extends Operation {
  readonly isRead: boolean;
  readonly state: State;
}

interface Zone<State> {
  readonly state: State;
  readonly firstCompletion: number;
  readonly lastInvocation: number;
}

/** null: nothing is, or values are written twice. Reads of unknown outcome are left out before. */
export function conflictOfZones<State>(
  initial: State,
  history: readonly ValueOperation<State>[],
): string | null {
  const before = { invokedAt: -Infinity, completedAt: -Infinity };
  const writes = new Map([[initial, { isRead: false, state: initial, ...before }]]);
  for (const operation of history) {
    if (operation.isRead) continue;
    if (writes.has(operation.state)) return null;
    writes.set(operation.state, operation);
  }
  const zones = new Map<State, Zone<State>>();
  for (const operation of history) {
    const { state, isRead, completedAt } = operation;
    const write = writes.get(state);
    if (write === undefined) return `${state} was read but never written`;
    if (isRead && completedAt < write.invokedAt) return `${state} was read before it was written`;
    const zone = zones.get(state) ?? zoneOf(write);
    zones.set(state, {
      state,
      firstCompletion: Math.min(zone.firstCompletion, completedAt),
      lastInvocation: Math.max(zone.lastInvocation, operation.invokedAt),
    });
  }
  // Nobody saw it and nobody was told: it may never have happened.
  return conflict([...zones.values()].filter((zone) => zone.firstCompletion !== Infinity));
}

function zoneOf<State>({ state, completedAt, invokedAt }: ValueOperation<State>): Zone<State> {
  return { state, firstCompletion: completedAt, lastInvocation: invokedAt };
}

function conflict<State>(zones: readonly Zone<State>[]): string | null {
  const current = zones.filter((zone) => zone.firstCompletion < zone.lastInvocation);
  current.sort((a, b) => a.firstCompletion - b.firstCompletion);
  for (const [i, zone] of current.entries()) {
    const last = current[i - 1];
    if (last !== undefined && zone.firstCompletion < last.lastInvocation) {
      return `${zone.state} was current while ${last.state} had to be`;
    }
  }
  for (const inner of zones) {
    if (inner.firstCompletion < inner.lastInvocation) continue;
    const outer = current[lastBefore(current, inner.lastInvocation)];
    if (outer !== undefined && inner.firstCompletion < outer.lastInvocation) {
      return `${inner.state} happened while ${outer.state} had to be current`;
    }
  }
  return null;
}

/** The last zone that begins before the instant; -1: none. They are sorted and apart. */
function lastBefore<State>(zones: readonly Zone<State>[], instant: number): number {
  let low = 0;
  let high = zones.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((zones[middle] as Zone<State>).firstCompletion < instant) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
