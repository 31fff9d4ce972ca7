/** Bugs of the node agent. */
import type { Mutant } from "./mutant.ts";

export const clientMutants: readonly Mutant[] = [
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
    killers: [
      {
        by: "simulation",
        seeds: 20,
      },
    ],
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
    killers: [
      {
        by: "simulation",
        seeds: 20,
      },
    ],
  },
  {
    name: "absence-is-removal",
    breaks: "I11: what a push does not name goes on (DESIGN §8)",
    edits: [
      {
        file: "packages/client/src/client-agent.ts",
        find: "if (push.complete) this.#complete(new Set(changes.map(allocOf)));",
        replace:
          "const named = new Set(changes.map(allocOf));\n    if (push.complete) this.#complete(named);\n    else for (const [id, r] of this.#runners) if (!named.has(id)) r.remove();",
      },
    ],
    killers: [
      {
        by: "simulation",
        seeds: 20,
      },
    ],
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
    killers: [
      {
        by: "simulation",
        seeds: 20,
      },
    ],
  },
  {
    name: "healthy-at-once",
    breaks: "healthy only after min_healthy_time (client H1)",
    edits: [
      {
        file: "packages/client/src/core/alloc-health.ts",
        find: "goodSince === null ? Number.POSITIVE_INFINITY : goodSince + rules.minHealthyMs;",
        replace: "goodSince === null ? Number.POSITIVE_INFINITY : goodSince;",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/client/src/core/alloc-health.test.ts",
        name: "[H1] healthy after the minimum time of running and passing",
      },
    ],
  },
  {
    name: "checks-not-asked",
    breaks: "healthy only while the checks pass (client H1, H9)",
    edits: [
      {
        file: "packages/client/src/core/alloc-health.ts",
        find: 'return mode === "checks" && input.expected.length > 0;',
        replace: 'return mode === "checks" && input.expected.length > 99;',
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/client/src/core/alloc-health.test.ts",
        name: "[H9] a check that is not in the catalog is not passing",
      },
    ],
  },
  {
    name: "late-look-fails",
    breaks: "a late wake-up fails nothing that was ready in time (client H8)",
    edits: [
      {
        file: "packages/client/src/core/alloc-health.ts",
        find: "if (at.now >= at.readyAt && at.readyAt <= at.deadline) return true;",
        replace: "if (at.now >= at.readyAt && at.now <= at.deadline) return true;",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/client/src/core/alloc-health.test.ts",
        name: "[H8] a late wake-up does not fail an allocation that was ready in time",
      },
    ],
  },
  {
    name: "restarts-uncounted",
    breaks: "attempts restarts in one interval (client T10)",
    edits: [
      {
        file: "packages/client/src/core/restart-policy.ts",
        find: ": { count: window.count + 1, startedAt: window.startedAt };",
        replace: ": { count: window.count, startedAt: window.startedAt };",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/client/src/core/next-task-action.test.ts",
        name: "[T10] the attempts of an interval are used up, and a new interval gives new ones",
      },
    ],
  },
  {
    name: "killed-is-failed",
    breaks: "a killed task is not failed (client T5)",
    edits: [
      {
        file: "packages/client/src/core/next-task-action.ts",
        find: "return dead(note(noted, events.killed(ctx.now)), false, ctx);",
        replace: "return dead(note(noted, events.killed(ctx.now)), exit.exitCode !== 0, ctx);",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/client/src/core/next-task-action.test.ts",
        name: "[T5] a killed task is not failed, whatever its exit code",
      },
    ],
  },
  {
    name: "signalled-in-the-catalog",
    breaks: "out of the catalog before the signal (client T7)",
    edits: [
      {
        file: "packages/client/src/core/next-task-action.ts",
        find: 'return moved(noted, { kind: "leaving", handle: phase.handle, ending });',
        replace: "return signal(noted, { handle: phase.handle, ending }, ctx);",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/client/src/core/next-task-action.test.ts",
        name: "[T3] every input in every phase leads where the table says",
      },
    ],
  },
  {
    name: "anothers-allocation-run",
    breaks: "an allocation of another node is not run (DESIGN §8)",
    edits: [
      {
        file: "packages/client/src/core/decide-push.ts",
        find: "    if (alloc.nodeId !== input.nodeId) continue;\n",
        replace: "",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/client/src/client-agent.faults.test.ts",
        name: "an allocation of another node is not run",
      },
    ],
  },
  {
    name: "report-forgotten",
    breaks: "what was not acknowledged is sent again (client S3)",
    edits: [
      {
        file: "packages/client/src/sync/alloc-updates.ts",
        find: "      for (const id of ids) this.#dirty.add(id);\n",
        replace: "",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/client/src/client-agent.faults.test.ts",
        name: "[S3] updates that were not acknowledged are sent again, with numbers that only grow",
      },
    ],
  },
  {
    name: "twin-started",
    breaks: "an agent that comes back finds its tasks (DESIGN §9, I7)",
    edits: [
      {
        file: "packages/client/src/runner/task-loop.ts",
        find: "this.#attached = restored ? this.#recover(handle) : Promise.resolve(handle);",
        replace: "this.#attached = Promise.resolve(restored ? null : handle);",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/client/src/client-agent.faults.test.ts",
        name: "agent restart counted as failure: its tasks neither restart nor fail, however often",
      },
    ],
  },
  {
    name: "pull-not-handed-over",
    breaks: "a pull goes on for the allocation that it was begun for (client F3)",
    edits: [
      {
        file: "packages/client/src/runner/image-fetcher.ts",
        find: " || this.#deps.isHere(fetch)",
        replace: "",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/client/src/client-agent.fetch.test.ts",
        name: "[F3] a pull goes on for the allocation that it was for, until that is to stop",
      },
    ],
  },
];
