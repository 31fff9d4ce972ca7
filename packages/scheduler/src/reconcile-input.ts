/** Gives the reconciler its view of the state. */
import { JobType } from "@drover/model";
import type { ReconcileInput } from "./reconciler/types.ts";
import type { Session } from "./session.ts";
import { UpdateDecider } from "./update-decision.ts";

export function reconcileInput(session: Session): ReconcileInput {
  const { evaluation, job, now, ref, state } = session;
  const type = job?.type ?? evaluation.type;
  const isBatch = type === JobType.batch || type === JobType.sysbatch;
  const deployments = state.deploymentsByJob(ref);
  const decider = job && new UpdateDecider({ job, state, placer: session.placerFor(job) });
  let isRevert: boolean | null = null;
  return {
    ref,
    job: job ?? null,
    isBatch,
    allocs: state.allocsByJob(ref),
    deployment: isBatch ? null : (deployments[0] ?? null),
    deployments,
    evaluation,
    now,
    mintId: session.mintId,
    node: (id) => state.node(id),
    allocJob: (alloc) => state.allocJob(alloc),
    jobVersion: (version) => state.jobVersion(ref, version),
    decideUpdate: (alloc, group) => decider?.decide(alloc, group) ?? { kind: "ignore" },
    isRevert: () => {
      isRevert ??= session.isRevert();
      return isRevert;
    },
  };
}
