/** Gives the reconciler its view of the state. */
import { type Allocation, type Job, JobType, type StateReader } from "@drover/model";
import type { ReconcileInput } from "./reconciler/types.ts";
import type { Session } from "./session.ts";
import { UpdateDecider } from "./update-decision.ts";

export function reconcileInput(session: Session): ReconcileInput {
  const { evaluation, job, now, ref, state } = session;
  const type = job?.type ?? evaluation.type;
  const isBatch = type === JobType.batch || type === JobType.sysbatch;
  const deployments = state.deploymentsByJob(ref);
  const allocJob = jobsOfAllocs(state);
  const placer = job && session.placerFor(job);
  const decider = job && placer && new UpdateDecider({ job, state, placer, allocJob });
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
    node: remembered((id: string) => state.node(id)),
    allocJob,
    decideUpdate: (alloc, group) => decider?.decide(alloc, group) ?? { kind: "ignore" },
    isRevert: () => {
      isRevert ??= session.isRevert();
      return isRevert;
    },
  };
}

/** A job has many allocations, on few nodes and of few versions: each is looked up once. */
function remembered<K, V>(look: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>();
  return (key) => {
    const found = known.get(key);
    if (found !== undefined) return found;
    const fresh = look(key);
    known.set(key, fresh);
    return fresh;
  };
}

/** All of them are of one job id: its registration and version tell them apart. */
function jobsOfAllocs(state: StateReader): (alloc: Allocation) => Job | undefined {
  const byVersion = new Map<number, Map<number, Job | undefined>>();
  return (alloc) => {
    const byCreation = byVersion.get(alloc.jobVersion) ?? new Map<number, Job | undefined>();
    byVersion.set(alloc.jobVersion, byCreation);
    if (!byCreation.has(alloc.jobCreateIndex)) {
      byCreation.set(alloc.jobCreateIndex, state.allocJob(alloc));
    }
    return byCreation.get(alloc.jobCreateIndex);
  };
}
