/**
 * Where Drover differs from a recording on purpose, our own expectation stands in
 * `timeline-differences.json`: what must be there instead, and why. It is checked like the recorded
 * one. One that does not occur any more is as wrong as one that is not named.
 */
import { isDeepStrictEqual } from "node:util";
import type { Miss } from "../support/timeline-player.ts";

/** What we expect in place of the recorded value: exactly one of these. */
export interface Difference {
  /** Key of `reasons`. */
  readonly reason: string;
  /** This value; null = there is none. */
  readonly is?: unknown;
  /** One of these values. */
  readonly oneOf?: readonly unknown[];
  /** A number from the first to the second. */
  readonly between?: readonly [number, number];
  /** Sizes of batches: so many in all (or from so many to so many), at most so many at once. */
  readonly batches?: { readonly sum: number | readonly [number, number]; readonly atMost: number };
  /** By speed: the recorded value may occur as well. */
  readonly varies?: true;
}

/** By the name of the scenario, then by the path of the check. */
export type Differences = Readonly<Record<string, Readonly<Record<string, Difference>>>>;

export interface DifferencesFile {
  /** `see` is how the entry of docs/differences.md begins that tells users. */
  readonly reasons: Readonly<Record<string, { readonly why: string; readonly see: string }>>;
  readonly scenarios: Differences;
  /** With containers in place of mock tasks; each stands in for one of `scenarios`, null = none. */
  readonly docker: Readonly<Record<string, Readonly<Record<string, Difference | null>>>>;
}

export interface Complaint {
  readonly scenario: string;
  readonly path: string;
  readonly says: string;
}

/** What is wrong with a run of these scenarios. */
export function complaintsOf(
  differences: Differences,
  scenarios: readonly string[],
  misses: readonly Miss[],
): readonly Complaint[] {
  const complaints: Complaint[] = [];
  for (const { scenario, path, got, want } of misses) {
    const difference = differences[scenario]?.[path];
    if (difference && meets(difference, got)) continue;
    const wanted = difference ? `${JSON.stringify(difference)} instead of ${want}` : want;
    complaints.push({ scenario, path, says: `want ${wanted}, got ${JSON.stringify(got)}` });
  }
  for (const scenario of scenarios) {
    for (const [path, { varies }] of Object.entries(differences[scenario] ?? {})) {
      if (varies || misses.some((miss) => miss.scenario === scenario && miss.path === path))
        continue;
      complaints.push({ scenario, path, says: "a difference that is no more" });
    }
  }
  return complaints;
}

function meets(difference: Difference, got: unknown): boolean {
  const { batches, between, oneOf } = difference;
  if (oneOf) return oneOf.some((each) => isDeepStrictEqual(each, got));
  if (between) return typeof got === "number" && got >= between[0] && got <= between[1];
  if (batches) return Array.isArray(got) && isSplit(got as readonly number[], batches);
  return isDeepStrictEqual(difference.is, got);
}

function isSplit(got: readonly number[], { atMost, sum }: NonNullable<Difference["batches"]>) {
  const [least, most] = typeof sum === "number" ? [sum, sum] : sum;
  const placed = got.reduce((total, size) => total + size, 0);
  return placed >= least && placed <= most && got.every((size) => size <= atMost);
}
