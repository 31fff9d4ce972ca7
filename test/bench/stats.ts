/** Order statistics of small samples, nearest rank. */

export function quantile(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const rank = Math.max(1, Math.ceil(q * sorted.length));
  return sorted[rank - 1] ?? Number.NaN;
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

/** The `p50 / p99 / max` that a table shows. */
export function spread(samples: readonly number[]): string {
  const [low, high] = [quantile(samples, 0), quantile(samples, 1)];
  return `n = ${samples.length}, ${Math.round(low)} to ${Math.round(high)}`;
}
