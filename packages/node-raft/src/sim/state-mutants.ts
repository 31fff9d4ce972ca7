/** Bugs in how members find out that their state differs (H1 to H8 of SPEC.md); see mutants.ts. */
import type { Mutant } from "./mutants.ts";

const SEEDS = 20;

export const stateMutants: readonly Mutant[] = [
  {
    name: "digests-not-compared",
    breaks: "a member whose digest is another than the agreed one is in quarantine (H4)",
    edits: [
      {
        file: "node/agreement.ts",
        find: "if (digest === agreedDigest) this.#sound",
        replace: "if (digest.length > 0) this.#sound",
      },
    ],
    seeds: SEEDS,
    mode: "states",
  },
  {
    name: "leader-is-always-right",
    breaks: "what a majority has is agreed, not what the leader has (H3)",
    edits: [
      {
        file: "node/agreement.ts",
        find: "if (!most(conf.voters) ||",
        replace: "if (digest !== [...round.digests.values()][0] ||",
      },
      {
        file: "node/agreement.ts",
        find: "return [...members].filter(has).length >= 2;",
        replace: "return [...members].length >= 2;",
      },
    ],
    seeds: SEEDS,
    mode: "states",
  },
  {
    name: "leader-judges-others-only",
    breaks: "the leader judges itself too (H4)",
    edits: [
      {
        file: "node/agreement.ts",
        find: "    round.agreed = digest;\n    this.learned(index, digest);",
        replace: "    round.agreed = digest;\n    this.#agreed = { index, digest };",
      },
    ],
    seeds: SEEDS,
    mode: "states",
  },
  {
    name: "checkpoints-not-met",
    breaks: "a digest is taken at exactly the checkpoint (H1)",
    edits: [
      {
        file: "node/state-watch.ts",
        find: "if (index % CHECKPOINT_EVERY !== 0 || this.#quarantine !== null) return;",
        replace:
          "index = Math.floor(index / CHECKPOINT_EVERY) * CHECKPOINT_EVERY;\n" +
          "    if (this.#quarantine !== null) return;",
      },
      {
        file: "node/engine.ts",
        find: "upTo: (next) => this.states.applyUpTo(next),",
        replace: "upTo: () => Number.MAX_SAFE_INTEGER,",
      },
    ],
    seeds: SEEDS,
    mode: "states",
  },
  {
    name: "quarantine-serves-reads",
    breaks: "a member in quarantine answers no read (H5)",
    edits: [
      {
        file: "node/engine.ts",
        find: "if (this.states.quarantine === null) return null;",
        replace: "if (this.states.quarantine === null || this.#running) return null;",
      },
      { file: "node/engine.ts", find: "    this.#applier.stop();\n", replace: "" },
    ],
    seeds: SEEDS,
    mode: "states",
  },
  {
    name: "quarantine-leads",
    breaks: "a member in quarantine never leads (H6)",
    edits: [
      {
        file: "node/engine.ts",
        find: "    this.#core.standAside(this.states.others);\n",
        replace: "",
      },
    ],
    seeds: SEEDS,
    mode: "states",
  },
  {
    name: "quarantine-forgotten",
    breaks: "a restart does not end a quarantine (H7)",
    edits: [
      {
        file: "wal/disk-store.ts",
        find: "const quarantine = readQuarantine(this.#vfs, this.#dir);",
        replace: "const quarantine = this.#dir ? null : readQuarantine(this.#vfs, this.#dir);",
      },
    ],
    seeds: SEEDS,
    mode: "states",
  },
];
