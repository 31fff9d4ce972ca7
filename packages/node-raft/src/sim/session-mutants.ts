/** Bugs of sessions (S1 to S7 of SPEC.md); see mutants.ts. */
import type { Mutant } from "./mutants.ts";

const TABLE = "node/session-table.ts";
const SEEDS = 20;
/** Of those that want a snapshot, or a late copy, between two proposals of one command. */
const SEEDS_RARE = 100;

export const sessionMutants: readonly Mutant[] = [
  {
    name: "session-not-consulted",
    breaks: "a command proposed again is not applied again (S1)",
    edits: [
      {
        file: TABLE,
        find: '    if (known !== undefined) return { kind: "repeated", applied: known };\n',
        replace: "",
      },
    ],
    seeds: SEEDS,
    mode: "node",
  },
  {
    name: "session-answers-anew",
    breaks: "each proposal gets the first result, with its place (S1)",
    edits: [
      {
        file: "node/session-machine.ts",
        find: "answer: { ...verdict.applied, result } };",
        replace: "answer: { ...verdict.applied, result, index } };",
      },
    ],
    seeds: SEEDS,
    mode: "node",
  },
  {
    name: "sessions-not-in-snapshot",
    breaks: "the table is in every snapshot (S2)",
    edits: [
      {
        file: "node/session-stream.ts",
        find: "if (sessions.length > 0 ||",
        replace: "if (sessions.length < 0 ||",
      },
    ],
    seeds: SEEDS,
    mode: "node",
  },
  {
    name: "snapshot-sees-later-results",
    breaks: "a snapshot holds the table of its moment (S2)",
    edits: [
      {
        file: TABLE,
        find: "session.generation === generation",
        replace: "session.generation <= generation",
      },
    ],
    seeds: SEEDS_RARE,
    mode: "node",
  },
  {
    name: "session-order-lost",
    breaks: "all members forget the same sessions (S2, S4)",
    edits: [
      {
        file: TABLE,
        find: "return [...this.#sessions.values()];",
        replace: "return [...this.#sessions.values()].reverse();",
      },
    ],
    seeds: SEEDS_RARE,
    mode: "node",
  },
  {
    name: "expired-session-applies",
    breaks: "a command of a session that is not known is refused (S3)",
    edits: [
      {
        file: TABLE,
        find: 'return { kind: "refused", code: "session-expired", message };',
        replace: 'return { kind: "fresh", done: () => void message };',
      },
    ],
    seeds: SEEDS,
    mode: "node",
  },
  {
    name: "acknowledged-applies-again",
    breaks: "a late copy of an acknowledged command is refused (S5)",
    edits: [
      {
        file: TABLE,
        find: "if (seq <= session.acknowledged) {",
        replace: "if (seq < 1) {",
      },
    ],
    seeds: SEEDS_RARE,
    mode: "node",
  },
  {
    name: "results-weigh-nothing-yet",
    breaks: "members refuse the same commands, however they cut their batches (S7)",
    edits: [
      {
        file: TABLE,
        find: "if (session.pending > 0 && resultBytesMax !== UNBOUNDED)",
        replace: "if (session.pending > 0 && resultBytesMax === 0)",
      },
    ],
    seeds: SEEDS_RARE,
    mode: "node",
  },
  {
    name: "bytes-lost-in-snapshot",
    breaks: "what a session holds counts after a snapshot, too (S2, S7)",
    edits: [
      {
        file: TABLE,
        find: "bytes += applied?.result.length ?? 0;\n        const counts",
        replace: "bytes += 0;\n        const counts",
      },
    ],
    seeds: SEEDS_RARE,
    mode: "node",
  },
];
