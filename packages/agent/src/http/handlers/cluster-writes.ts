/** Writes of deployments, allocations, nodes and operator settings: spec chapter 8 §8.3 to §8.9. */
import { badRequest, internal } from "@drover/api";
import { validateNamespace } from "@drover/model";
import {
  collectGarbage,
  type DeploymentWriteResult,
  deleteNamespace,
  deleteService,
  drainNode,
  evaluateNode,
  failDeployment,
  type NodeWriteResult,
  pauseDeployment,
  promoteDeployment,
  purgeNode,
  type Server,
  setAllocHealth,
  setNodeEligibility,
  setSchedulerConfig,
  stopAllocation,
  unblockDeployment,
  upsertNamespace,
} from "@drover/server";
import { Fields } from "../fields.ts";
import type { RequestContext, WriteHandler } from "../handler.ts";
import { booleanParam } from "../query.ts";
import type { Reply } from "../reply.ts";
import { checkUuid } from "../uuid-prefix.ts";

function deploymentReply(result: DeploymentWriteResult): Reply {
  return {
    json: {
      DeploymentModifyIndex: result.deploymentModifyIndex,
      EvalCreateIndex: result.evalCreateIndex,
      EvalID: result.evalId,
      Index: result.index,
      RevertedJobVersion: result.revertedJobVersion,
    },
    index: result.index,
  };
}

/** Reads the body of a deployment call, whose `DeploymentID` must be the one of the path. */
async function deploymentBody(context: RequestContext, goType: string): Promise<Fields> {
  const body = new Fields(await context.json(), goType);
  const id = body.string("DeploymentID");
  if (id === "") throw badRequest("DeploymentID must be specified");
  if (id !== context.params.id) throw badRequest("Deployment ID does not match");
  return body;
}

function target(context: RequestContext) {
  return { id: context.params.id ?? "", token: context.token };
}

const deploymentFail: WriteHandler = {
  kind: "write",
  run: async (context, server) => deploymentReply(await failDeployment(server, target(context))),
};

const deploymentPause: WriteHandler = {
  kind: "write",
  async run(context, server) {
    const body = await deploymentBody(context, "api.DeploymentPauseRequest");
    const pause = body.boolean("Pause");
    return deploymentReply(await pauseDeployment(server, { ...target(context), pause }));
  },
};

const deploymentPromote: WriteHandler = {
  kind: "write",
  async run(context, server) {
    const body = await deploymentBody(context, "api.DeploymentPromoteRequest");
    const groups = body.boolean("All") ? null : body.strings("Groups");
    return deploymentReply(await promoteDeployment(server, { ...target(context), groups }));
  },
};

const deploymentUnblock: WriteHandler = {
  kind: "write",
  async run(context, server) {
    await deploymentBody(context, "api.DeploymentUnblockRequest");
    return deploymentReply(await unblockDeployment(server, target(context)));
  },
};

const deploymentAllocHealth: WriteHandler = {
  kind: "write",
  async run(context, server) {
    const body = await deploymentBody(context, "api.DeploymentAllocHealthRequest");
    const result = await setAllocHealth(server, {
      ...target(context),
      healthy: body.strings("HealthyAllocationIDs"),
      unhealthy: body.strings("UnhealthyAllocationIDs"),
    });
    return deploymentReply(result);
  },
};

const allocStop: WriteHandler = {
  kind: "write",
  async run(context, server) {
    const { all } = context.query;
    const result = await stopAllocation(server, {
      id: checkUuid("alloc", context.params.id ?? ""),
      noShutdownDelay: booleanParam(all, "no_shutdown_delay") ?? false,
      reschedule: booleanParam(all, "reschedule") ?? false,
      token: context.token,
    });
    return { json: { EvalID: result.evalId, Index: result.index }, index: result.index };
  },
};

function nodeReply(result: NodeWriteResult): Reply {
  return {
    json: {
      EvalCreateIndex: result.evalCreateIndex,
      EvalIDs: result.evalIds.length > 0 ? result.evalIds : null,
      Index: result.index,
      NodeModifyIndex: result.nodeModifyIndex,
    },
    index: result.index,
  };
}

const nodeDrain: WriteHandler = {
  kind: "write",
  async run(context, server) {
    const body = new Fields(await context.json(), "api.NodeUpdateDrainRequest");
    const spec = body.object("DrainSpec");
    const result = await drainNode(server, {
      id: checkUuid("node", context.params.id ?? ""),
      spec: spec
        ? {
            deadline: spec.number("Deadline") ?? 0,
            ignoreSystemJobs: spec.boolean("IgnoreSystemJobs"),
          }
        : null,
      markEligible: body.boolean("MarkEligible"),
      meta: body.stringMap("Meta"),
      token: context.token,
    });
    return nodeReply(result);
  },
};

const nodeEligibility: WriteHandler = {
  kind: "write",
  async run(context, server) {
    const body = new Fields(await context.json(), "api.NodeUpdateEligibilityRequest");
    const result = await setNodeEligibility(server, {
      id: checkUuid("node", context.params.id ?? ""),
      eligibility: body.string("Eligibility"),
      token: context.token,
    });
    return nodeReply(result);
  },
};

const nodeEvaluate: WriteHandler = {
  kind: "write",
  async run(context, server) {
    const id = checkUuid("node", context.params.id ?? "");
    const result = await evaluateNode(server, { id, token: context.token });
    const node = server.snapshot().node(id);
    const leader = server.engine.leadership().leaderAddress;
    const doc = nodeReply(result).json as Record<string, unknown>;
    return {
      json: {
        ...doc,
        Features: 0,
        HeartbeatTTL: 0,
        KnownLeader: false,
        LastContact: 0,
        LeaderRPCAddr: leader,
        NextToken: "",
        NodeModifyIndex: 0,
        NumNodes: [...server.snapshot().nodes()].length,
        SchedulingEligibility: node?.schedulingEligibility ?? "",
        Servers: [
          {
            Datacenter: node?.datacenter ?? "",
            RPCAdvertiseAddr: leader,
            RPCMajorVersion: 0,
            RPCMinorVersion: 0,
          },
        ],
        SignedIdentity: null,
      },
      index: result.index,
    };
  },
};

const nodePurge: WriteHandler = {
  kind: "write",
  async run(context, server) {
    const id = checkUuid("node", context.params.id ?? "");
    return nodeReply(await purgeNode(server, { id, token: context.token }));
  },
};

const ALGORITHMS: readonly string[] = ["", "binpack", "spread"];

const schedulerConfigWrite: WriteHandler = {
  kind: "write",
  async run(context, server) {
    const body = new Fields(await context.json(), "api.SchedulerConfiguration");
    const algorithm = body.string("SchedulerAlgorithm");
    if (!ALGORITHMS.includes(algorithm)) {
      throw badRequest(`invalid scheduler algorithm: ${algorithm}`);
    }
    const preemption = body.object("PreemptionConfig");
    const cas = context.query.all.get("cas");
    const result = await setSchedulerConfig(server, {
      config: {
        schedulerAlgorithm: algorithm || "binpack",
        preemptionConfig: {
          systemSchedulerEnabled: preemption?.boolean("SystemSchedulerEnabled") ?? true,
          sysBatchSchedulerEnabled: preemption?.boolean("SysBatchSchedulerEnabled") ?? false,
          batchSchedulerEnabled: preemption?.boolean("BatchSchedulerEnabled") ?? false,
          serviceSchedulerEnabled: preemption?.boolean("ServiceSchedulerEnabled") ?? false,
        },
        memoryOversubscriptionEnabled: body.boolean("MemoryOversubscriptionEnabled"),
        rejectJobRegistration: body.boolean("RejectJobRegistration"),
        pauseEvalBroker: body.boolean("PauseEvalBroker"),
        nodeLimitForFeasibilityChecks: body.number("NodeLimitForFeasibilityChecks") ?? 0,
        createIndex: 0,
        modifyIndex: 0,
      },
      cas: cas === null ? null : Number(cas),
      token: context.token,
    });
    return { json: { Index: result.index, Updated: result.updated }, index: result.index };
  },
};

const empty: Reply = {};

const systemGc: WriteHandler = {
  kind: "write",
  async run(_context, server) {
    await collectGarbage(server, { force: true });
    return empty;
  },
};

/** Summaries are derived on every write here, so there is nothing to reconcile. */
const systemReconcile: WriteHandler = { kind: "write", run: async () => empty };

const namespaceWrite: WriteHandler = {
  kind: "write",
  async run(context, server) {
    const body = new Fields(await context.json(), "api.Namespace");
    const asked = context.params.name ?? "";
    const name = body.string("Name") || asked;
    if (asked !== "" && name !== asked) {
      throw badRequest("Namespace name does not match request path");
    }
    const description = body.string("Description");
    const problem = validateNamespace(name, description);
    if (problem !== "") throw internal(problem);
    const index = await upsertNamespace(server, {
      name,
      description,
      meta: body.stringMap("Meta"),
      token: context.token,
    });
    return { ...empty, index };
  },
};

const namespaceDelete: WriteHandler = {
  kind: "write",
  async run(context, server) {
    const name = context.params.name ?? "";
    if (name === "default") throw internal("can not delete default namespace");
    return { ...empty, index: await deleteNamespace(server, { name, token: context.token }) };
  },
};

const serviceDelete: WriteHandler = {
  kind: "write",
  async run(context, server: Server) {
    const id = context.params.id ?? "";
    const { namespace } = context.query;
    if (!server.snapshot().service(namespace, id)) {
      throw internal("service registration not found");
    }
    return {
      ...empty,
      index: await deleteService(server, { namespace, id, token: context.token }),
    };
  },
};

const raftTransfer: WriteHandler = {
  kind: "write",
  async run({ query }, server) {
    const named = [query.all.get("id") ?? "", query.all.get("address") ?? ""].filter(Boolean);
    if (named.length > 1) throw badRequest("only one of id and address may be given");
    await server.engine.transferLeadership(named[0]);
    return empty;
  },
};

export const clusterWrites = {
  deploymentFail,
  deploymentPause,
  deploymentPromote,
  deploymentUnblock,
  deploymentAllocHealth,
  allocStop,
  nodeDrain,
  nodeEligibility,
  nodeEvaluate,
  nodePurge,
  schedulerConfigWrite,
  systemGc,
  systemReconcile,
  namespaceRegister: namespaceWrite,
  namespaceWrite,
  namespaceDelete,
  serviceDelete,
  raftTransfer,
} as const;
