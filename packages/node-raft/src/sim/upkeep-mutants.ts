/** Bugs of the membership controller (C1 to C10 of SPEC.md); see mutants.ts. */
import type { Mutant } from "./mutants.ts";

const DECIDE = "node/decide-membership.ts";
const SEEDS = 10;
/** Of those that show only when a zone or a level decides. */
const SEEDS_RARE = 60;

export const upkeepMutants: readonly Mutant[] = [
  {
    name: "demoted-before-promoted",
    breaks: "a dead voter and its heir change places in one change (C1)",
    edits: [
      {
        file: DECIDE,
        find: "const parts = { addVoters: [place(heir)], addLearners: [place(dead)] };",
        replace: "const parts = { addLearners: [place(dead)] };",
      },
    ],
    seeds: SEEDS,
    mode: "upkeep",
  },
  {
    name: "dead-standby-inherits",
    breaks: "only a healthy standby is promoted (C1, C2)",
    edits: [
      {
        file: DECIDE,
        find: "(m) => !m.voter && m.healthy &&",
        replace: "(m) => !m.voter &&",
      },
      { file: DECIDE, find: "b.match - a.match ||", replace: "a.match - b.match ||" },
    ],
    seeds: SEEDS_RARE,
    mode: "upkeep",
  },
  {
    name: "dead-counts-as-live",
    breaks: "a voter that is silent for longer than the limit is replaced (C1)",
    edits: [
      {
        file: DECIDE,
        find: "member.quarantined || member.silentMs > settings.deadAfterMs;",
        replace: "member.quarantined || member.silentMs < 0;",
      },
    ],
    seeds: SEEDS,
    mode: "upkeep",
  },
  {
    name: "silent-counts-as-dead",
    breaks: "a moment of silence costs nobody the vote (C1)",
    edits: [
      {
        file: DECIDE,
        find: "member.quarantined || member.silentMs > settings.deadAfterMs;",
        replace: "member.quarantined || member.silentMs > settings.contactMsMax;",
      },
    ],
    seeds: SEEDS,
    mode: "upkeep",
  },
  {
    name: "voters-come-in-any-number",
    breaks: "voters come in odd numbers (C6)",
    edits: [
      {
        file: DECIDE,
        find: "const count = (voters + most) % 2 === 0 ? most - 1 : most;",
        replace: "const count = Math.min(1, most);",
      },
    ],
    seeds: SEEDS,
    mode: "upkeep",
  },
  {
    name: "levels-mixed",
    breaks: "only servers whose program understands the cluster's level take part (C2, C3)",
    edits: [
      {
        file: DECIDE,
        find: "return one.level === null || one.level >= level;",
        replace: "return one.level === null || level >= 0;",
      },
    ],
    seeds: SEEDS_RARE,
    mode: "upkeep",
  },
  {
    name: "no-spare-taken-in",
    breaks: "missing standbys are taken in from outside (C3)",
    edits: [
      {
        file: DECIDE,
        find: "if (live >= settings.standbys) return null;",
        replace: "if (live >= 0) return null;",
      },
    ],
    seeds: SEEDS,
    mode: "upkeep",
  },
  {
    name: "leader-looks-once",
    breaks: "the leader looks again and again (C10)",
    edits: [
      {
        file: "node/membership-controller.ts",
        find: "this.#cancel = this.#timers.after(nextMs, () => this.wake());",
        replace: "this.#cancel = () => void nextMs;",
      },
    ],
    seeds: SEEDS,
    mode: "upkeep",
  },
];
