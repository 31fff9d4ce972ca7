/**
 * Deliberate bugs, to show that the simulator bites. Each is a substitution in a copy of the
 * sources made at test time, so no production build can contain one. `seeds`: it must die within
 * so many, found by a checker and not by an exception of the mutated code.
 */
import type { MutantEdits } from "@raft/node-raft/sim";

export interface Mutant extends MutantEdits {
  /** The rule it breaks. */
  readonly breaks: string;
  readonly seeds: number;
}

export const mutants: readonly Mutant[] = [
  {
    name: "floor-forgotten",
    breaks: "I2: a serving one is stopped only above the floor (reconciler L1, L2)",
    edits: [
      {
        file: "packages/scheduler/src/reconciler/limit.ts",
        find: "? group.count - group.update.maxParallel",
        replace: "? 0",
      },
      {
        file: "packages/scheduler/src/reconciler/limit.ts",
        find: "let budget = group.update.maxParallel - starting;",
        replace: "let budget = group.count - starting;",
      },
    ],
    seeds: 20,
  },
  {
    name: "pairs-not-reserved",
    breaks: "I2: a pair that is not ready reserves its stop, and one that goes uses it (L4)",
    edits: [
      {
        file: "packages/scheduler/src/reconciler/group-roll.ts",
        find: "      budget.serving--;\n    }\n    pass.draft.goes",
        replace: "    }\n    pass.draft.goes",
      },
      {
        file: "packages/scheduler/src/reconciler/limit.ts",
        find: "return healthy === null && !isCarriedInto(alloc, deployment);",
        replace: "return healthy === null && isCarriedInto(alloc, deployment);",
      },
    ],
    seeds: 60,
  },
  {
    name: "one-too-many",
    breaks: "I3: never more than the count and its canaries (G18)",
    edits: [
      {
        file: "packages/scheduler/src/reconciler/group-place.ts",
        find: "names.next(Math.max(0, group.count - existing))",
        replace: "names.next(Math.max(0, group.count - existing + (existing === 0 ? 0 : 1)))",
      },
    ],
    seeds: 20,
  },
  {
    name: "prepared-starts",
    breaks: "I7: what shall only be prepared does not start (DESIGN §12.3)",
    edits: [
      {
        file: "packages/client/src/state/alloc-record.ts",
        find: 'alloc.phase === "prepare" ? "preparing" : "waiting"',
        replace: '"waiting"',
      },
    ],
    seeds: 20,
  },
  {
    name: "stops-when-alone",
    breaks: "I11: losing the servers stops nothing (DESIGN §8)",
    edits: [
      {
        file: "packages/client/src/state/alloc-record.ts",
        find: "return limit === null ? Number.POSITIVE_INFINITY : nanosToMs(limit);",
        replace: "return limit === null ? 3_000 : nanosToMs(limit);",
      },
    ],
    seeds: 20,
  },
  {
    name: "absence-is-removal",
    breaks: "I11: what a push does not name goes on (DESIGN §8)",
    edits: [
      {
        file: "packages/client/src/client-agent.ts",
        find: "if (push.complete) this.#complete(new Set(changes.map(allocOf)));",
        replace:
          "const named = new Set(changes.map(allocOf));\n" +
          "    if (push.complete) this.#complete(named);\n" +
          "    else for (const [id, r] of this.#runners) if (!named.has(id)) r.remove();",
      },
    ],
    seeds: 20,
  },
  {
    name: "service-left-behind",
    breaks: "I8: a stopped allocation leaves the catalog (DESIGN §9)",
    edits: [
      {
        file: "packages/client/src/runner/service-registrar.ts",
        find: "if (!ids.has(id) && entry.removal === null) this.#remove(id, entry);",
        replace:
          "if (!ids.has(id) && entry.removal === null && ids.size > 9) this.#remove(id, entry);",
      },
    ],
    seeds: 20,
  },
];
