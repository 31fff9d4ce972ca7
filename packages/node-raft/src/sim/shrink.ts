/**
 * A smaller run of a seed that fails the same way: fewer faults, a calmer network, an earlier end.
 * What is left out is named, so that one command plays what is left.
 */
import type { Scenario } from "./scenario.ts";
import { type RunOptions, type RunResult, runSeed } from "./simulation.ts";

const TRIES_MAX = 200;

/** What a smaller run is without. */
export interface LeftOut {
  /** Numbers of faults. */
  readonly faults: readonly number[];
  readonly parts: readonly Part[];
  /** Simulated time for faults; null: as the seed has it. */
  readonly faultsForMs: number | null;
}

const WITHOUT = {
  loss: (s) => ({ ...s, network: { ...s.network, dropChance: 0 } }),
  duplicates: (s) => ({ ...s, network: { ...s.network, duplicateChance: 0 } }),
  stragglers: (s) => ({ ...s, network: { ...s.network, stragglerChance: 0 } }),
  reordering: (s) => ({ ...s, network: { ...s.network, inOrder: true } }),
  skew: (s) => ({ ...s, clockSkew: 0 }),
  hints: (s) => ({ ...s, crashHintChance: 0 }),
  voteCrashes: (s) => ({ ...s, voteCrashChance: 0 }),
  slowApply: (s) => ({ ...s, applyMs: 0 }),
  snapshots: (s) => ({ ...s, snapshotEntries: 100_000 }),
  reads: (s) => ({ ...s, workload: { ...s.workload, readShare: 0 } }),
} satisfies Record<string, (scenario: Scenario) => Scenario>;

type Part = keyof typeof WITHOUT;

const NOTHING: LeftOut = { faults: [], parts: [], faultsForMs: null };

export function isPart(name: string): name is Part {
  return Object.hasOwn(WITHOUT, name);
}

export function smallerScenario(scenario: Scenario, leftOut: LeftOut): Scenario {
  const faultsForMs = leftOut.faultsForMs ?? scenario.faultsForMs;
  const faultsLeftOut = new Set(leftOut.faults);
  const short = { ...scenario, faultsForMs, faultsLeftOut, faultsMin: 0, eventsMin: 0 };
  return leftOut.parts.reduce<Scenario>((sum, part) => WITHOUT[part](sum), short);
}

export interface Smaller {
  readonly leftOut: LeftOut;
  readonly result: RunResult;
}

/** The smallest that was found of a run that failed; null: any smaller one passes. */
export async function shrink(whole: RunResult, options: RunOptions): Promise<Smaller | null> {
  return await new Shrinker(whole, options).run();
}

class Shrinker {
  readonly #whole: RunResult;
  readonly #options: RunOptions;
  #best: Smaller | null = null;
  #tries = 0;

  constructor(whole: RunResult, options: RunOptions) {
    this.#whole = whole;
    this.#options = options;
  }

  async run(): Promise<Smaller | null> {
    await this.#try({ ...this.#leftOut, faultsForMs: Math.ceil(this.#whole.simulatedMs) });
    for (const part of Object.keys(WITHOUT).filter(isPart)) {
      await this.#try({ ...this.#leftOut, parts: [...this.#leftOut.parts, part] });
    }
    const count = Math.max(0, ...this.#faults().map(({ number }) => number));
    for (let size = count; size >= 1; size = Math.floor(size / 2)) {
      for (let first = 1; first <= count; first += size) await this.#leaveOut(first, size);
    }
    return this.#best;
  }

  get #leftOut(): LeftOut {
    return this.#best?.leftOut ?? NOTHING;
  }

  #faults(): RunResult["faults"] {
    return (this.#best?.result ?? this.#whole).faults;
  }

  async #leaveOut(first: number, size: number): Promise<void> {
    const { faults } = this.#leftOut;
    const range = Array.from({ length: size }, (_, i) => first + i);
    const fresh = range.filter((number) => !faults.includes(number));
    if (fresh.length > 0) await this.#try({ ...this.#leftOut, faults: [...faults, ...fresh] });
  }

  async #try(leftOut: LeftOut): Promise<void> {
    if (this.#tries >= TRIES_MAX) return;
    this.#tries += 1;
    const smaller = (scenario: Scenario): Scenario => smallerScenario(scenario, leftOut);
    const result = await runSeed(this.#whole.seed, { ...this.#options, smaller });
    if (result.failure?.checker !== this.#whole.failure?.checker) return;
    this.#best = { leftOut, result };
  }
}

/** As the option `--without` has it. */
export function leftOutText({ faults, parts, faultsForMs }: LeftOut): string {
  const end = faultsForMs === null ? [] : [`after=${faultsForMs}`];
  return [...end, ...parts, ...faults.map(String)].join(",");
}

export function leftOutOf(text: string): LeftOut {
  const words = text.split(",");
  const end = words.find((word) => word.startsWith("after="))?.slice("after=".length);
  return {
    faults: words.filter((word) => /^\d+$/.test(word)).map(Number),
    parts: words.filter(isPart),
    faultsForMs: end === undefined ? null : Number(end),
  };
}
