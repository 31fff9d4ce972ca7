/**
 * `/v1/why/…`: the graph of reasons from one snapshot, with what the machines that run its
 * allocations say themselves.
 */
import { errorText } from "@drover/base";
import { type DryRuns, type Explanation, explainInSlices, withoutLeader } from "@drover/forecast";
import {
  type Reason,
  Rule,
  reasonFromWire,
  reasonToWire,
  type Subject,
  SubjectKind,
  subjectKey,
  subjectOf,
  subjectToWire,
} from "@drover/model";
import type { Server } from "@drover/server";
import type { StateSnapshot, TableName } from "@drover/state";
import { held } from "../blocking.ts";
import type { Ask, GatherHandler, RequestContext } from "../handler.ts";
import { inSlices } from "../in-slices.ts";
import { checkUuid } from "../uuid-prefix.ts";
import { missing as missingReply } from "./allocations.ts";

type Find = (snapshot: StateSnapshot, id: string, context: RequestContext) => Subject | undefined;

/** So many allocations are asked about where they run. */
const ASKED_MAX = 10;

const LEADER_MS = 2_000;
const ROUNDS = 2;

/** What the node knows more about than the state. */
const ASKED_RULES: ReadonlySet<Rule> = new Set([
  Rule.allocAwaitsVerdict,
  Rule.allocNotStarted,
  Rule.allocPreparesImages,
  Rule.allocStopping,
]);

/** What reasons are drawn from. */
const TABLES: readonly TableName[] = [
  "jobs",
  "evals",
  "allocs",
  "deployments",
  "nodes",
  "schedulerConfig",
];

/** What only machines know wakes no held query: it is told when the state changes or time is up. */
function why(find: Find, missing: string): GatherHandler {
  return {
    kind: "gather",
    run: (asked, server, ask) => {
      const isLed = server.engine.leadership().leaderAddress !== "";
      // Without a leader that is the answer, and no read is confirmed: what is known is told.
      const context = isLed
        ? asked
        : { ...asked, query: { ...asked.query, stale: true, index: 0 } };
      return held(TABLES, { context, server }, (snapshot) => {
        const index = Math.max(1, snapshot.tableIndex(...TABLES));
        const subject = find(snapshot, context.params.id ?? "", context);
        if (!subject) return { index, answer: async () => missingReply(missing, index) };
        const answer = async () => {
          const known = await explainFully(server, snapshot, { subject, ask });
          const found = isLed ? known : withoutLeader(known, snapshot.index);
          return { json: explanationToWire(found, index), index };
        };
        return { index, answer };
      });
    },
  };
}

/** What is learned from one machine may lead to another; twice is enough for one answer. */
async function explainFully(
  server: Server,
  state: StateSnapshot,
  { ask, subject }: { readonly subject: Subject; readonly ask: Ask },
): Promise<Explanation> {
  const live = new Map<string, readonly Reason[]>();
  const dryRuns: DryRuns = new Map();
  const now = Math.max(server.clock.now(), state.clock);
  const explain = () => inSlices(explainInSlices({ state, subject, now, live, dryRuns }));
  const asked = new Set<string>();
  let found = await explain();
  for (let round = 0; round < ROUNDS; round++) {
    const reached = [subject, ...found.reasons.flatMap((each) => each.waitsFor)];
    const fresh = reached.filter((each) => !asked.has(subjectKey(each)));
    for (const each of fresh) asked.add(subjectKey(each));
    const isFresh = new Set(fresh.map(subjectKey));
    const owned = found.reasons.filter(
      (each) => ASKED_RULES.has(each.rule) && isFresh.has(subjectKey(each.subject)),
    );
    await Promise.all([
      askLeader(server, fresh, { state, live }),
      ...owned.slice(0, ASKED_MAX).map((reason) => askOwner(reason.subject, ask, live)),
    ]);
    found = await explain();
  }
  return found;
}

/** Its queues and its table of heartbeats are memory only. */
async function askLeader(
  server: Server,
  subjects: readonly Subject[],
  { live, state }: { readonly state: StateSnapshot; readonly live: Map<string, readonly Reason[]> },
): Promise<void> {
  // Nothing of a queue that stands still is worth asking.
  const isPaused = state.schedulerConfig().pauseEvalBroker;
  const known = subjects.filter(
    ({ kind }) => kind === SubjectKind.node || (kind === SubjectKind.evaluation && !isPaused),
  );
  if (known.length === 0 || server.engine.leadership().leaderAddress === "") return;
  const call = server.leaderCalls.call<readonly Reason[]>("why", { subjects: known }, "");
  let cancel = () => {};
  const late = new Promise<readonly Reason[]>((resolve) => {
    cancel = server.clock.setTimer(server.clock.now() + LEADER_MS, () => resolve([]));
  });
  try {
    for (const reason of await Promise.race([call, late])) {
      live.set(subjectKey(reason.subject), [reason]);
    }
  } catch (error) {
    server.log("debug", "the leader did not answer why", { error: errorText(error) });
  } finally {
    cancel();
  }
}

async function askOwner(
  subject: Subject,
  ask: Ask,
  live: Map<string, readonly Reason[]>,
): Promise<void> {
  const answer = await ask(`/v1/client/allocation/${subject.id}/why`);
  const list = (answer as { readonly Reasons?: unknown } | null)?.Reasons;
  const reasons = (Array.isArray(list) ? list : []).map(reasonFromWire);
  const known = reasons.filter((reason) => reason !== null);
  if (known.length > 0) live.set(subjectKey(subject), known);
}

function explanationToWire({ chain, kept, reasons, subject }: Explanation, index: number) {
  return {
    Index: index,
    Subject: subjectToWire(subject),
    Waits: reasons.length > 0,
    Chain: chain.map(reasonToWire),
    Reasons: reasons.map(reasonToWire),
    Kept: kept && reasonToWire(kept),
  };
}

const findJob: Find = (snapshot, id, { query }) => {
  const job = snapshot.job({ namespace: query.namespace, id });
  return job && subjectOf.job(job);
};
const findDeployment: Find = (snapshot, id) => {
  const deployment = snapshot.deployment(checkUuid("deployment", id));
  return deployment && subjectOf.deployment(deployment);
};
const findAlloc: Find = (snapshot, id) => {
  const alloc = snapshot.alloc(checkUuid("alloc", id));
  return alloc && subjectOf.allocation(alloc);
};
const findEval: Find = (snapshot, id) => {
  const evaluation = snapshot.evaluation(checkUuid("eval", id));
  return evaluation && subjectOf.evaluation(evaluation);
};
const findNode: Find = (snapshot, id) => {
  const node = snapshot.node(checkUuid("node", id));
  return node && { kind: SubjectKind.node, id: node.id, namespace: "" };
};

export const whyReads = {
  whyJob: why(findJob, "job not found"),
  whyDeployment: why(findDeployment, "deployment not found"),
  whyAllocation: why(findAlloc, "alloc not found"),
  whyEvaluation: why(findEval, "eval not found"),
  whyNode: why(findNode, "node not found"),
} as const;
