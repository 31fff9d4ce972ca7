/** Bugs of the leader's deciders: deployments, drains, heartbeats, queues, plans, garbage. */
import type { Mutant } from "./mutant.ts";

export const leaderMutants: readonly Mutant[] = [
  {
    name: "deadline-ignored",
    breaks: "a group that is not done by its deadline fails the deployment (deployment D6)",
    edits: [
      {
        file: "packages/control/src/deployment/decide-deployment.ts",
        find: "lateAt(state) > 0 && situation.now >= lateAt(state),",
        replace: "lateAt(state) > 0 && situation.now < 0,",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/control/src/deployment/decide-deployment.test.ts",
        name: "[D6] fails when the progress deadline passes",
      },
      {
        by: "test",
        file: "test/small-scope/decisions.test.ts",
        name: "an image that does not come: I2, I3 and I4 hold in every world",
      },
    ],
  },
  {
    name: "news-missed",
    breaks: "what became healthy after the last look is looked at (deployment D9)",
    edits: [
      {
        file: "packages/control/src/deployment/decide-deployment.ts",
        find: "newsIndex(alloc) > seen",
        replace: "newsIndex(alloc) < 0",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/control/src/deployment/decide-deployment.test.ts",
        name: "[D9] goes on after an allocation became healthy",
      },
    ],
  },
  {
    name: "promoted-at-once",
    breaks: "canaries promote themselves when they are healthy (deployment D7)",
    edits: [
      {
        file: "packages/control/src/deployment/decide-deployment.ts",
        find: "(isAwaitingPromotion && state.placedCanaries.length >= state.desiredCanaries)",
        replace: "state.placedCanaries.length >= state.desiredCanaries",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/control/src/deployment/decide-deployment.test.ts",
        name: "[D7] does not promote before they are healthy, nor while paused",
      },
      {
        by: "test",
        file: "test/small-scope/decisions.test.ts",
        name: "canary that promotes itself: I2, I3 and I4 hold in every world",
      },
    ],
  },
  {
    name: "failure-unmarked",
    breaks: "a failed one that may be replaced is marked for it (deployment D8)",
    edits: [
      {
        file: "packages/control/src/deployment/decide-deployment.ts",
        find: "if (reschedule.length > 0) return",
        replace: "if (reschedule.length > 9) return",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/control/src/deployment/decide-deployment.test.ts",
        name: "[D8] marks a failed one for replacement",
      },
    ],
  },
  {
    name: "reverts-for-ever",
    breaks: "a submission grants one revert (deployment R3, R4)",
    edits: [
      {
        file: "packages/control/src/deployment/rollback.ts",
        find: "if (failing !== undefined && !isSpecChanged(stable, failing)) {",
        replace: "if (failing === undefined) {",
      },
      {
        file: "packages/control/src/deployment/rollback.ts",
        find: "if (deployment.autoTransitionsLeft <= 0) {",
        replace: "if (deployment.autoTransitionsLeft < 0) {",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/server/src/bug-classes.test.ts",
        name: "revert loop: when the version that is returned to fails as well, it holds",
      },
    ],
  },
  {
    name: "drained-at-once",
    breaks: "a drain keeps count - max_parallel serving (spec §3.14)",
    edits: [
      {
        file: "packages/control/src/drain/decide-drain.ts",
        find: "const allowed = serving.length - (count - parallel);",
        replace: "const allowed = serving.length + parallel;",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/control/src/drain/decide-drain.test.ts",
        name: "§3.14 max_parallel leave at a time",
      },
    ],
  },
  {
    name: "turns-not-taken",
    breaks: "what a group can spare is given away by one loop at a time (I2)",
    edits: [
      {
        file: "packages/server/src/leader/one-at-a-time.ts",
        find: "      await this.settled();\n      return await turn();",
        replace: "      return await turn();",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/server/src/leader/one-at-a-time.test.ts",
        name: "I2 a drain and an update do not both give away what only one of them can",
      },
    ],
  },
  {
    name: "stranded-unseen",
    breaks: "what was placed on a node that is gone is looked at again (I4)",
    edits: [
      {
        file: "packages/server/src/leader/stranded-loop.ts",
        find: "return isNodeGone(state.node(alloc.nodeId));",
        replace: 'return state.node(alloc.nodeId)?.status === "initializing";',
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/server/src/leader/stranded-loop.test.ts",
        name: "I4 what is placed on a node that was given up meanwhile is placed anew",
      },
      {
        by: "test",
        file: "test/small-scope/decisions.test.ts",
        name: "drain before an update: I2, I3 and I4 hold in every world",
      },
    ],
  },
  {
    name: "node-change-half-told",
    breaks: "a job that a node's change does not name is looked at all the same (I4)",
    edits: [
      {
        file: "packages/server/src/leader/stranded-loop.ts",
        find: "if (named) this.#changed.set(node.id, named);",
        replace: "if (named && this.#changed.size < 0) this.#changed.set(node.id, named);",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/server/src/leader/stranded-loop.test.ts",
        name: "I4 a system job that was not known yet when a node came runs there",
      },
    ],
  },
  {
    name: "unknown-outcome-forgotten",
    breaks: "a plan whose outcome is unknown counts until the log has passed it (I5)",
    edits: [
      {
        file: "packages/server/src/leader/eval-loop.ts",
        find: "if (this.#turns.isSettled) this.#plans = [];",
        replace: "this.#plans = [];",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/server/src/leader/eval-pipeline.test.ts",
        name: "I5 what an entry takes whose outcome becomes unknown during a decision is taken",
      },
    ],
  },
  {
    name: "drain-ends-early",
    breaks: "a drain is over when what it moved has ended (spec §3.14)",
    edits: [
      {
        file: "packages/control/src/drain/decide-drain.ts",
        find: 'const isGone = kind === "system" ? isTerminal(alloc) : isClientTerminal(alloc);',
        replace: "const isGone = isTerminal(alloc);",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/control/src/drain/decide-drain.test.ts",
        name: "a service allocation holds the drain until its client has ended it",
      },
    ],
  },
  {
    name: "pause-kills-nodes",
    breaks: "expiries move by the leader's own lag (DESIGN §7)",
    edits: [
      {
        file: "packages/control/src/heartbeat/heartbeats.ts",
        find: "for (const deadline of this.#deadlines.values()) deadline.at += pauseMs;\n      return { missed: [], held: [], shiftedMs: pauseMs };",
        replace: "void pauseMs;",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/control/src/heartbeat/heartbeats.test.ts",
        name: "§7 a pause of this loop above a second moves every deadline by it",
      },
    ],
  },
  {
    name: "mass-expiry-believed",
    breaks: "when many nodes fall silent at once the loop holds (DESIGN §7)",
    edits: [
      {
        file: "packages/control/src/heartbeat/heartbeats.ts",
        find: "return expired > BELIEVED && expired > known * this.#options.expiredShareMax;",
        replace: "return expired > BELIEVED && expired > known;",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/control/src/heartbeat/heartbeats.test.ts",
        name: "§7 one of three is believed, more than 30 % at once are held",
      },
    ],
  },
  {
    name: "waiting-forgotten",
    breaks: "the newest evaluation that waited runs next (spec §6.1)",
    edits: [
      {
        file: "packages/control/src/broker/eval-broker.ts",
        find: "if (next !== undefined) this.#admit(next);",
        replace: "if (next !== undefined) this.#entries.delete(next.evaluation.id);",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/control/src/broker/eval-broker.test.ts",
        name: "[B1 B3] §6.1 one evaluation of a job at a time; the newest runs next and the rest are superseded",
      },
    ],
  },
  {
    name: "two-of-a-job",
    breaks: "one evaluation of a job is worked on at a time (spec §6.1)",
    edits: [
      {
        file: "packages/control/src/broker/eval-broker.ts",
        find: "if (busy === undefined || busy === entry.evaluation.id) {",
        replace: 'if (busy !== "") {',
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/control/src/broker/eval-broker.test.ts",
        name: "no evaluation is lost, none runs beside another of its job",
      },
    ],
  },
  {
    name: "blocked-sleeps-on",
    breaks: "capacity sets a blocked evaluation free (spec §6.5)",
    edits: [
      {
        file: "packages/control/src/broker/blocked-evals.ts",
        find: "return this.#take((evaluation) => mayFit(evaluation, change, state));",
        replace: "return this.#take((each) => mayFit(each, change, state) && change.index < 0);",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/control/src/broker/blocked-evals.test.ts",
        name: "§6.5 capacity of a class found fitting frees it",
      },
    ],
  },
  {
    name: "full-node-takes-more",
    breaks: "a plan that overfills a node is refused there (I5, spec §6.6)",
    edits: [
      {
        file: "packages/control/src/plan/node-fit.ts",
        find: 'if (!fits(capacityOf(node), sumOf(sharesOf(allocs)))) return "capacity";',
        replace: "",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/control/src/plan/verify-plan.test.ts",
        name: "§6.6 a node short of memory refuses it",
      },
    ],
  },
  {
    name: "dead-node-takes-more",
    breaks: "a node that is not ready takes nothing (spec §6.6)",
    edits: [
      {
        file: "packages/control/src/plan/verify-plan.ts",
        find: '? null : "not ready";',
        replace: "? null : null;",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/control/src/plan/verify-plan.test.ts",
        name: "§6.6 a node that is down takes nothing",
      },
    ],
  },
  {
    name: "live-collected",
    breaks: "nothing that an active deployment counts is collected (DESIGN §6)",
    edits: [
      {
        file: "packages/control/src/gc/why-kept.ts",
        find: "if (deployment !== undefined && isDeploymentActive(deployment)) {",
        replace: "if (deployment !== undefined && !isDeploymentActive(deployment)) {",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/control/src/gc/decide-gc.test.ts",
        name: "§6 allocations of an active deployment stay",
      },
    ],
  },
  {
    name: "back-in-service-unnoticed",
    breaks: "one that runs again wakes what waited for it (DESIGN §7)",
    edits: [
      {
        file: "packages/server/src/leader/report-evals.ts",
        find: "const isNews = freesSlot(state, alloc, report) || changesService(state, alloc, report);",
        replace: "const isNews = freesSlot(state, alloc, report);",
      },
    ],
    killers: [
      {
        by: "test",
        file: "packages/server/src/leader/report-evals.test.ts",
        name: "one that serves again wakes the deployment that it held back",
      },
    ],
  },
];
