/**
 * Is the history of one register linearizable? With unique values this is decidable in n log n
 * (Gibbons and Korach, "Testing shared memories", 1997): the operations on one value form a zone
 * between the first completion and the last invocation; a zone that must be occupied may not
 * overlap another such zone, nor enclose a value that fits nowhere else.
 */
export interface RegisterOperation {
  readonly kind: "write" | "read";
  /** The value written or seen; 0 = the register's initial value. */
  readonly value: number;
  readonly invokedAt: number;
  /** Infinity: the outcome is unknown. Unknown reads are left out. */
  readonly completedAt: number;
}

interface Zone {
  readonly value: number;
  readonly firstCompletion: number;
  readonly lastInvocation: number;
}

/** null = linearizable, else what is wrong. */
export function checkRegister(history: readonly RegisterOperation[]): string | null {
  const byValue = new Map<number, RegisterOperation[]>();
  byValue.set(0, [{ kind: "write", value: 0, invokedAt: -2, completedAt: -1 }]);
  for (const operation of history) {
    const group = byValue.get(operation.value) ?? [];
    group.push(operation);
    byValue.set(operation.value, group);
  }
  const zones: Zone[] = [];
  for (const [value, group] of byValue) {
    const write = group.find((operation) => operation.kind === "write");
    if (write === undefined) return `value ${value} was read but never written`;
    const early = group.find((operation) => operation.completedAt < write.invokedAt);
    if (early !== undefined) return `value ${value} was read before it was written`;
    const readers = group.length - 1;
    // Nobody saw it and nobody was told: it may never have happened.
    if (write.completedAt === Infinity && readers === 0) continue;
    zones.push({
      value,
      firstCompletion: Math.min(...group.map((operation) => operation.completedAt)),
      lastInvocation: Math.max(...group.map((operation) => operation.invokedAt)),
    });
  }
  return checkZones(zones);
}

function checkZones(zones: readonly Zone[]): string | null {
  const forward = zones.filter((zone) => zone.firstCompletion < zone.lastInvocation);
  const backward = zones.filter((zone) => zone.firstCompletion >= zone.lastInvocation);
  forward.sort((a, b) => a.firstCompletion - b.firstCompletion);
  let reach: Zone | null = null;
  for (const zone of forward) {
    if (reach !== null && zone.firstCompletion < reach.lastInvocation) {
      return `value ${zone.value} was current while ${reach.value} had to be`;
    }
    reach = zone;
  }
  for (const inner of backward) {
    const outer = forward.find(
      (zone) =>
        zone.firstCompletion < inner.lastInvocation && inner.firstCompletion < zone.lastInvocation,
    );
    if (outer !== undefined) {
      return `value ${inner.value} happened while ${outer.value} had to be current`;
    }
  }
  return null;
}
