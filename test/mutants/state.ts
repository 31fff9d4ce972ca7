/** Bugs of the state commands. */
import type { Mutant } from "./mutant.ts";

export const stateMutants: readonly Mutant[] = [
  {
    name: "flap-extends",
    breaks: "each name extends the deadline once (DESIGN §12.1)",
    edits: [
      {
        file: "packages/state/src/writes/deployment-counts.ts",
        find: '  if (tx.get("deadlineExtensions", key) !== undefined) return group;\n',
        replace: "",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/state/src/commands/alloc-client-update.test.ts",
        name: "§12.1 each name extends the deadline once: a flap gains nothing",
      },
    ],
  },
  {
    name: "counter-drifts",
    breaks: "counts are those of the allocations (DESIGN §6)",
    edits: [
      {
        file: "packages/state/src/writes/deployment-counts.ts",
        find: "healthyAllocs: group.healthyAllocs + is.healthy - was.healthy,",
        replace: "healthyAllocs: group.healthyAllocs + is.healthy,",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/state/src/state.prop.test.ts",
        name: "§6 the counts of an active deployment equal a fresh count over its allocations",
      },
    ],
  },
  {
    name: "late-report-taken",
    breaks: "a report that is not newer changes nothing (state A2)",
    edits: [
      {
        file: "packages/state/src/commands/alloc-client-update.ts",
        find: "    if (report.clientSeq <= stored.clientSeq) continue;\n",
        replace: "",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/state/src/commands/alloc-client-update.test.ts",
        name: "[A2] a report that is not newer is ignored",
      },
    ],
  },
  {
    name: "verdict-after-the-end",
    breaks: "a verdict stays once its deployment has ended (state A8)",
    edits: [
      {
        file: "packages/state/src/commands/alloc-client-update.ts",
        find: "if (decided !== null && (deployment === undefined || !isDeploymentActive(deployment))) {",
        replace: "if (decided !== null && deployment === undefined) {",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/state/src/commands/alloc-client-update.test.ts",
        name: "the verdict stands once its deployment has ended, and so do its counts",
      },
    ],
  },
  {
    name: "ended-eval-revived",
    breaks: "an evaluation that has ended stays so (state E1)",
    edits: [
      {
        file: "packages/state/src/writes/evals.ts",
        find: "  if (stored !== undefined && isEvalTerminal(stored)) return;\n",
        replace: "",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/state/src/commands/others.test.ts",
        name: "[E1] a finished evaluation stays finished",
      },
    ],
  },
  {
    name: "started-goes-back",
    breaks: "the phase goes from prepare to go, never back (state A7)",
    edits: [
      {
        file: "packages/state/src/commands/plan-apply.ts",
        find: "return isBesidePrevious({ phase: stored }) ? planned : stored;",
        replace: "return planned;",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/state/src/commands/plan-apply.test.ts",
        name: "[A7] the phase goes from prepare to go and never back",
      },
    ],
  },
  {
    name: "end-undone",
    breaks: "a plan never undoes an end that the client has told (state A4)",
    edits: [
      {
        file: "packages/state/src/commands/plan-apply.ts",
        find: "if (change.clientStatus === undefined || isClientTerminal(stored)) {",
        replace: "if (change.clientStatus === undefined) {",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/state/src/commands/plan-apply.test.ts",
        name: "[A4] the server calls an allocation lost only while its client has not ended it",
      },
    ],
  },
  {
    name: "clock-runs-while-paused",
    breaks: "deadlines stand while a deployment is paused (DESIGN §12.1)",
    edits: [
      {
        file: "packages/state/src/writes/deployments.ts",
        find: "requireProgressBy: group.requireProgressBy + byMs",
        replace: "requireProgressBy: group.requireProgressBy + 0 * byMs",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/state/src/commands/deployments.test.ts",
        name: "§12.1 the clock stands while it is paused",
      },
    ],
  },
  {
    name: "two-deployments",
    breaks: "a new deployment of a job cancels the one before (state D2)",
    edits: [
      {
        file: "packages/state/src/writes/deployments.ts",
        find: "    if (!isDeploymentActive(other) || other.id === planned.id) continue;\n",
        replace: '    if (other.id !== "") continue;\n',
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/state/src/commands/plan-apply.test.ts",
        name: "[D2] a second deployment of a job cancels the first",
      },
    ],
  },
  {
    name: "stable-forgotten",
    breaks: "success makes the version stable (spec §2.5)",
    edits: [
      {
        file: "packages/state/src/writes/deployments.ts",
        find: "  if (change.status === DeploymentStatus.successful) markStable(tx, deployment);\n",
        replace: "",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/state/src/main-path.test.ts",
        name: "health from clients moves the deployment, and success makes the version stable",
      },
    ],
  },
  {
    name: "stale-index-accepted",
    breaks: "check-index refuses what it does not name (spec §2.4)",
    edits: [
      {
        file: "packages/state/src/commands/job-register.ts",
        find: "if (given === current.jobModifyIndex) return undefined;",
        replace: "if (given >= 0) return undefined;",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/state/src/commands/job-register.test.ts",
        name: "§2.4 check-index: there at another index",
      },
    ],
  },
  {
    name: "answers-forgotten-by-count",
    breaks: "what is sent again within its time is answered (DESIGN §3)",
    edits: [
      {
        file: "packages/state/src/writes/answers.ts",
        find: "    if ((row?.at ?? 0) + ANSWERS_KEPT_MS >= now) return;\n",
        replace: "    if ((row?.at ?? 0) > now) return;\n",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/state/src/writes/answers.test.ts",
        name: "what is sent again within its time is answered, however many others came between",
      },
    ],
  },
  {
    name: "leap-makes-old",
    breaks: "a leap of the clock makes no answer old (DESIGN §3)",
    edits: [
      {
        file: "packages/state/src/writes/answers.ts",
        find: "Math.min(passed, LEAP_MS_MAX)",
        replace: "passed",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/state/src/writes/answers.test.ts",
        name: "a leap of the clock makes no answer old",
      },
    ],
  },
];
