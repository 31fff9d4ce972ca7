/** Bugs of the reconciler and of what carries it out. */
import type { Mutant } from "./mutant.ts";

export const reconcilerMutants: readonly Mutant[] = [
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
    killers: [
      {
        by: "simulation",
        seeds: 20,
      },
      {
        by: "test",
        file: "test/small-scope/decisions.test.ts",
        name: "a fault, revert: I2, I3 and I4 hold in every world",
      },
    ],
  },
  {
    name: "returned-one-goes",
    breaks: "I2: one of an older version that comes back is replaced at the limit (D7, L2)",
    edits: [
      {
        file: "packages/scheduler/src/reconciler/disconnect.ts",
        find: "(alloc.jobVersion < job.version && !isRolled(alloc, job)) ||",
        replace: "alloc.jobVersion < job.version ||",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/scheduler/src/failures.test.ts",
        name: "[D7 L2] one of an older version that comes back serves until its turn",
      },
      {
        by: "test",
        file: "test/small-scope/mixed.test.ts",
        name: "waited for: I2, I3 and I4 hold in every world",
      },
    ],
  },
  {
    name: "pairs-not-reserved",
    breaks: "I2: a pair that is not ready reserves its stop, and one that goes uses it (L4)",
    edits: [
      {
        file: "packages/scheduler/src/reconciler/group-roll.ts",
        find: "    stops.take(cost);\n    return pass.draft.go(",
        replace: "    return pass.draft.go(",
      },
      {
        file: "packages/scheduler/src/reconciler/group-roll.ts",
        find: "if (isStarting && budget.starts <= 0) return",
        replace: "if (isStarting && budget.starts < -99) return",
      },
      {
        file: "packages/scheduler/src/reconciler/group-roll.ts",
        find: "      stops.take(cost);\n      return pair.hold;",
        replace: "      return pair.hold;",
      },
      {
        file: "packages/scheduler/src/reconciler/limit.ts",
        find: "return healthy === null && !isCarriedInto(alloc, deployment);",
        replace: "return healthy === null && isCarriedInto(alloc, deployment);",
      },
    ],
    killers: [
      {
        by: "simulation",
        seeds: 60,
      },
    ],
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
    killers: [
      {
        by: "simulation",
        seeds: 20,
      },
      {
        by: "test",
        file: "test/small-scope/decisions.test.ts",
        name: "a fault, revert: I2, I3 and I4 hold in every world",
      },
    ],
  },
  {
    name: "undecided-uncounted",
    breaks: "at most max_parallel are undecided (reconciler L1)",
    edits: [
      {
        file: "packages/scheduler/src/reconciler/limit.ts",
        find: "for (const alloc of untainted) if (isUndecided(alloc, deployment)) budget--;",
        replace: "",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/scheduler/src/reconciler/limit.test.ts",
        name: "[L1] undecided allocations and those that start use the limit up",
      },
    ],
  },
  {
    name: "prepared-uncounted",
    breaks: "those that wait for their images are undecided, too (reconciler L1, P3)",
    edits: [
      {
        file: "packages/scheduler/src/reconciler/limit.ts",
        find: "if (isUndecided(alloc, deployment)) budget--;",
        replace: "if (isUndecided(alloc, deployment) && !isPreparing(alloc)) budget--;",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/scheduler/src/reconciler/prepare.test.ts",
        name: "[L1 P3] no more are undecided where nobody serves and L2 holds nothing back",
      },
    ],
  },
  {
    name: "unhealthy-goes-on",
    breaks: "one unhealthy closes the limit (reconciler L1)",
    edits: [
      {
        file: "packages/scheduler/src/reconciler/limit.ts",
        find: "isUndecided(each, deployment) && each.deploymentStatus?.healthy === false,",
        replace: "each.deploymentStatus?.healthy === false && !isUndecided(each, deployment),",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/scheduler/src/reconciler/limit.test.ts",
        name: "[L1] an unhealthy allocation of the deployment closes the limit",
      },
    ],
  },
  {
    name: "lost-not-replaced",
    breaks: "what is on a node that is down is lost and replaced (reconciler C18)",
    edits: [
      {
        file: "packages/scheduler/src/reconciler/buckets.ts",
        find: "return AllocClass.lost; // C18",
        replace: "return AllocClass.untainted;",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/scheduler/src/reconciler/buckets.test.ts",
        name: "[C18] running on a node that went down is lost",
      },
      {
        by: "test",
        file: "test/small-scope/decisions.test.ts",
        name: "a fault, revert: I2, I3 and I4 hold in every world",
      },
    ],
  },
  {
    name: "serving-go-first",
    breaks: "those that do not serve go first (reconciler L3)",
    edits: [
      {
        file: "packages/scheduler/src/reconciler/limit.ts",
        find: "= { no: 0, unseen: 1, unproven: 2, yes: 3 };",
        replace: "= { no: 3, unseen: 2, unproven: 1, yes: 0 };",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/scheduler/src/reconciler/limit.test.ts",
        name: "[L2] nothing that serves is stopped while too few serve",
      },
    ],
  },
  {
    name: "unseen-go-free",
    breaks: "one out of reach goes only while others are enough (reconciler L2)",
    edits: [
      {
        file: "packages/scheduler/src/reconciler/pass.ts",
        find: "isUnseen ? Serving.unseen : told",
        replace: "isUnseen ? Serving.no : told",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/scheduler/src/reconciler/limit.test.ts",
        name: "[L2] [L3] one out of reach goes first, but only while the others are enough",
      },
    ],
  },
  {
    name: "canaries-everywhere",
    breaks: "a group in its canary phase starts nothing else (reconciler G18, L1)",
    edits: [
      {
        file: "packages/scheduler/src/reconciler/group.ts",
        find: "!scope.triage.isFailed && !isCanarying(pass.state)",
        replace: "!scope.triage.isFailed",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/scheduler/src/reconciler/examples.test.ts",
        name: "[G15 S2] C canaries run beside the old ones until they are promoted",
      },
      {
        by: "test",
        file: "test/small-scope/decisions.test.ts",
        name: "canary that promotes itself: I2, I3 and I4 hold in every world",
      },
    ],
  },
  {
    name: "broken-before-made",
    breaks: "the old one runs on until the image is there (reconciler P1)",
    edits: [
      {
        file: "packages/scheduler/src/carry-out.ts",
        find: "const mustPrepare = !isClientTerminal(old) && !hasImages(found.node, job, group);",
        replace: "const mustPrepare = false;",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/scheduler/src/reconciler/prepare.test.ts",
        name: "[P1] an old allocation runs on until the image of the new one is there",
      },
    ],
  },
  {
    name: "failed-goes-on",
    breaks: "a failed deployment starts nothing new (reconciler T4)",
    edits: [
      {
        file: "packages/scheduler/src/reconciler/deployment-step.ts",
        find: "const isFailed = status === DeploymentStatus.failed || status === DeploymentStatus.cancelled;",
        replace: "const isFailed = status === DeploymentStatus.cancelled;",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/scheduler/src/reconciler/examples.test.ts",
        name: "[G19 T3 T4] H a failed deployment freezes its own allocations, and new versions start over",
      },
    ],
  },
  {
    name: "done-too-early",
    breaks: "a deployment succeeds when as many as desired are healthy (reconciler T7)",
    edits: [
      {
        file: "packages/scheduler/src/reconciler/deployment-step.ts",
        find: "alloc.deploymentStatus?.healthy === true,\n  ).length;",
        replace: "alloc.deploymentStatus?.healthy !== false,\n  ).length;",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/scheduler/src/reconciler/examples.test.ts",
        name: "[T7] the deployment succeeds with the last healthy allocation and not before",
      },
    ],
  },
  {
    name: "name-given-twice",
    breaks: "the smallest free name is given, each once (reconciler N1)",
    edits: [
      {
        file: "packages/scheduler/src/reconciler/name-index.ts",
        find: "if (!this.#users.has(i)) names.push(this.#use(i));",
        replace: "names.push(this.#use(i));",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/scheduler/src/reconciler/name-index.test.ts",
        name: "[N1] the smallest free names come first",
      },
    ],
  },
  {
    name: "retried-without-delay",
    breaks: "a failed one is placed again after its delay (reconciler R8)",
    edits: [
      {
        file: "packages/scheduler/src/reconciler/reschedule.ts",
        find: "if (next.at - now <= NOW_TOLERANCE_MS) return NOW;",
        replace: "return NOW;",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/scheduler/src/reconciler/reschedule.test.ts",
        name: "[R8] one that waits already is left waiting",
      },
    ],
  },
  {
    name: "bad-version-retried",
    breaks: "an error that names the version is never retried (reconciler R5)",
    edits: [
      {
        file: "packages/scheduler/src/reconciler/reschedule.ts",
        find: 'if (alloc.unretryableError !== "") return hold(alloc, whyNotReplaced.versionFailed); // R5',
        replace: "",
      },
      {
        file: "packages/scheduler/src/reconciler/reschedule.ts",
        find: '  if (alloc.unretryableError !== "") return NOT_ELIGIBLE;\n',
        replace: "",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/scheduler/src/reconciler/reschedule.test.ts",
        name: "[R5] an error that names the version is never tried again",
      },
    ],
  },
  {
    name: "next-batch-floods",
    breaks: "at most max_parallel nodes fetch images for a group at a time (reconciler F3)",
    edits: [
      {
        file: "packages/scheduler/src/next-images.ts",
        find: "  if (room <= 0) return [];\n",
        replace: "",
      },
      {
        file: "packages/scheduler/src/next-images.ts",
        find: ".slice(0, room)",
        replace: "",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/scheduler/src/next-images.test.ts",
        name: "[F3] pairs that fetch leave the others only what is left of max_parallel",
      },
    ],
  },
];
