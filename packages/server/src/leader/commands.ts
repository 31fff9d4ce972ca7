/** What the leader's loops propose for what was decided, as pure functions of a snapshot. */
export { deploymentCommand } from "./deployment-command.ts";
export { drainEnd, drainMarks } from "./drain-commands.ts";
export { evalOutcome, namedFollowups } from "./eval-outcome.ts";
export { evalForJob, evalsForNode } from "./new-eval.ts";
export { reportEvals } from "./report-evals.ts";
export { strandedEvals } from "./stranded-loop.ts";
