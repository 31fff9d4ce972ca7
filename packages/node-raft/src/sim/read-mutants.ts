/** Bugs of reads that ask nobody (L1 to L8 of SPEC.md); see mutants.ts. */
import type { Mutant } from "./mutants.ts";

const SEEDS = 100;

export const readMutants: readonly Mutant[] = [
  {
    name: "lease-longer-than-promised",
    breaks: "a lease ends before those that echoed it vote again (L1)",
    edits: [{ file: "node/lease.ts", find: "const SHARE = 0.8;", replace: "const SHARE = 3;" }],
    seeds: SEEDS,
    mode: "node",
  },
  {
    name: "frozen-time-forgotten",
    breaks: "time that a machine was frozen counts (L2)",
    edits: [
      {
        file: "node/elapsed.ts",
        find: "return Math.max(now.awakeMs - since.awakeMs, now.wallMs - since.wallMs);",
        replace: "return now.awakeMs - since.awakeMs;",
      },
    ],
    seeds: SEEDS,
    mode: "node",
  },
  {
    name: "lease-before-own-term",
    breaks: "no lease before an entry of the leader's term is committed (L6)",
    edits: [
      {
        file: "core/read-index.ts",
        find: "  if (log.termAt(log.commit) !== term) return null;\n",
        replace: "",
      },
    ],
    seeds: SEEDS,
    mode: "node",
  },
  {
    name: "stale-without-age",
    breaks: "a stale read says how old it may be (L7)",
    edits: [
      {
        file: "node/local-reads.ts",
        find: "return this.#knownAt === null ? Number.POSITIVE_INFINITY : elapsedMs",
        replace: "return this.#knownAt === null ? 0 : 0 * elapsedMs",
      },
    ],
    seeds: SEEDS,
    mode: "node",
  },
  {
    name: "stale-age-from-the-answer",
    breaks: "the age counts from when the leader was asked (L7)",
    edits: [
      {
        file: "node/engine.ts",
        find: "this.local.known(reader.askedAt);",
        replace: "this.local.known(this.local.now());",
      },
    ],
    seeds: SEEDS,
    mode: "node",
  },
  {
    name: "stale-beyond-the-bound",
    breaks: "a state that may be older than allowed is refused (L8)",
    edits: [
      {
        file: "node/read-modes.ts",
        find: "    if (ageMs > max) throw tooStale(ageMs, max);\n",
        replace: "",
      },
      {
        file: "node/read-modes.ts",
        find: "if (this.#engine.local.ageMs() > max) {",
        replace: "if (max < 0) {",
      },
    ],
    seeds: SEEDS,
    mode: "node",
  },
];
