/** Bugs of reads that ask nobody (L1 to L8 of SPEC.md); see mutants.ts. */
import type { Mutant } from "./mutants.ts";

const SEEDS = 100;

export const readMutants: readonly Mutant[] = [
  {
    name: "lease-from-the-echo",
    breaks: "a lease counts from when its token was sent (L1)",
    edits: [
      {
        file: "node/lease.ts",
        find: "  #term = 0;\n",
        replace: "  #term = 0;\n  #echo = { seq: 0, at: { awakeMs: 0, wallMs: 0 } };\n",
      },
      {
        file: "node/lease.ts",
        find: "    if (seq <= this.#newest) return;\n",
        replace:
          "    const seqs = this.#sent.filter((token) => token.seq <= confirmed);\n" +
          "    const echoed = seqs.at(-1)?.seq ?? 0;\n" +
          "    if (echoed !== this.#echo.seq) this.#echo = { seq: echoed, at: now };\n" +
          "    if (seq <= this.#newest) return;\n",
      },
      {
        file: "node/lease.ts",
        find: "return elapsedMs(newest.at, now) < this.#ms;",
        replace:
          "const { seq, at } = this.#echo;\n" +
          "    return elapsedMs(seq === newest.seq ? at : newest.at, now) < this.#ms;",
      },
    ],
    seeds: SEEDS,
    mode: "node",
  },
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
    name: "lease-kept-by-everyone",
    breaks: "only members that keep leases count towards one (L3)",
    edits: [
      {
        file: "core/read-index.ts",
        find: "if (keepsLease === true) {",
        replace: "if (keepsLease !== false) {",
      },
    ],
    seeds: SEEDS,
    mode: "node",
  },
  {
    name: "promise-forgotten-at-start",
    breaks: "a member that starts votes for nobody within an election time-out (L4)",
    edits: [
      {
        file: "core/state.ts",
        find: "heardLeaderAtTick = 0;",
        replace: "heardLeaderAtTick = -1_000_000;",
      },
    ],
    seeds: SEEDS,
    mode: "node",
  },
  {
    name: "promise-ends-with-the-term",
    breaks: "a newer term does not free a member from its promise (L4)",
    edits: [
      {
        file: "core/election.ts",
        find: "  if (mustKeepLease(state, message)) return;\n",
        replace: "",
      },
      {
        file: "core/election.ts",
        find: "  if (mustKeepLease(state, message)) return true;\n",
        replace: "",
      },
    ],
    seeds: SEEDS,
    mode: "node",
  },
  {
    name: "lease-yields-to-crash-hint",
    breaks: "with leases there is no crash hint (L5)",
    edits: [
      { file: "core/election.ts", find: "if (state.leases || id !==", replace: "if (id !==" },
      {
        file: "core/election.ts",
        find: "if (!state.leases || message.forced) return false;",
        replace:
          'if (!state.leases || message.forced || message.leaderCrashed !== "") return false;',
      },
    ],
    seeds: SEEDS,
    mode: "node",
  },
  {
    name: "lease-goes-on-in-transfer",
    breaks: "a leader that told another to campaign has no lease any more (L6)",
    edits: [{ file: "core/transfer.ts", find: "  state.reads.leaseOver = true;\n", replace: "" }],
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
