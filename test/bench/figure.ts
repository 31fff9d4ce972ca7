/** One line of the table: what was measured, beside its target and its floor of the same run. */
export interface Figure {
  readonly name: string;
  /** As shown, with its unit. */
  readonly measured: string;
  readonly target: string;
  /** What the parts below need alone, measured in the same run. */
  readonly floor: string;
  readonly met: boolean;
  /** Sample size, spread, and what was compared with what. */
  readonly detail: string;
}

/** Gives how many missed their target. */
export function showFigures(figures: readonly Figure[]): number {
  for (const { name, measured, target, floor, met, detail } of figures) {
    console.log(
      `${met ? "ok    " : "MISSED"} ${name}: ${measured}, target ${target}, floor ${floor}`,
    );
    console.log(`       ${detail}`);
  }
  return figures.filter(({ met }) => !met).length;
}

export function ms(value: number): string {
  return value < 100 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`;
}

export function seconds(value: number): string {
  return `${(value / 1000).toFixed(2)} s`;
}
