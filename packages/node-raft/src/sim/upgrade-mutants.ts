/** Bugs of the feature level (U1 to U5 of SPEC.md); see mutants.ts. */
import type { Mutant } from "./mutants.ts";

const SEEDS = 20;

export const upgradeMutants: readonly Mutant[] = [
  {
    name: "level-of-the-leader",
    breaks: "the level is one that all members understand, not the leader alone (U2)",
    edits: [
      {
        file: "node/feature-level.ts",
        find: "const highest = Math.min(...ranges.map(({ max }) => max));",
        replace: "const highest = Math.max(...ranges.map(({ max }) => max));",
      },
    ],
    seeds: SEEDS,
    mode: "upgrade",
  },
  {
    name: "silence-means-consent",
    breaks: "a member that has not told its levels keeps the level where it is (U2)",
    edits: [
      {
        file: "node/feature-level.ts",
        find: "if (range === undefined) return null;",
        replace: "if (range === undefined) continue;",
      },
    ],
    seeds: SEEDS,
    mode: "upgrade",
  },
  {
    name: "standbys-not-asked",
    breaks: "standbys count for the level (U2)",
    edits: [
      {
        file: "node/feature-level.ts",
        find: "for (const id of allMembers(conf)) {",
        replace: "for (const id of conf.voters) {",
      },
    ],
    seeds: SEEDS * 3,
    mode: "upgrade",
  },
  {
    name: "level-lost-in-change",
    breaks: "a change of members keeps the level (U3)",
    edits: [
      {
        file: "core/conf-change.ts",
        find: "this.#level = levelOf(conf);",
        replace: "this.#level = levelOf({});",
      },
    ],
    seeds: SEEDS * 3,
    mode: "upgrade",
  },
];
