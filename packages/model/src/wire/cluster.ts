/**
 * Evaluations, deployments, nodes, pools, namespaces and service registrations as the API shows
 * them (spec chapter 1 §1.10–§1.15).
 */
import { type Deployment, deploymentSchema } from "../cluster/deployment.ts";
import { type Evaluation, evaluationSchema } from "../cluster/evaluation.ts";
import {
  driverInfoSchema,
  lastDrainSchema,
  type Node,
  nodeResourcesSchema,
  nodeSchema,
  reservedResourcesSchema,
} from "../cluster/node.ts";
import {
  type Namespace,
  type NodePool,
  namespaceSchema,
  nodePoolSchema,
  type SchedulerConfig,
  schedulerConfigSchema,
} from "../cluster/scheduler-config.ts";
import {
  type ServiceRegistration,
  serviceRegistrationSchema,
} from "../cluster/service-registration.ts";
import { encode, encodeInstant } from "../schema/encode.ts";
import type { JsonObject } from "../schema/field.ts";

/** `related`: the evaluations of the same chain, for `?related=true`; left out when undefined. */
export function evalToWire(evaluation: Evaluation, related?: readonly Evaluation[]): JsonObject {
  const wire = encode(evaluationSchema, evaluation);
  if (related !== undefined && related.length > 0) {
    wire.RelatedEvals = related.map(evalStubToWire);
  }
  return wire;
}

export function evalStubToWire(evaluation: Evaluation): JsonObject {
  return {
    BlockedEval: evaluation.blockedEval,
    CreateIndex: evaluation.createIndex,
    CreateTime: Math.round(evaluation.createTime * 1_000_000),
    DeploymentID: evaluation.deploymentId,
    ID: evaluation.id,
    JobID: evaluation.jobId,
    ModifyIndex: evaluation.modifyIndex,
    ModifyTime: Math.round(evaluation.modifyTime * 1_000_000),
    Namespace: evaluation.namespace,
    NextEval: evaluation.nextEval,
    NodeID: evaluation.nodeId,
    PreviousEval: evaluation.previousEval,
    Priority: evaluation.priority,
    Status: evaluation.status,
    StatusDescription: evaluation.statusDescription,
    TriggeredBy: evaluation.triggeredBy,
    Type: evaluation.type,
    WaitUntil: encodeInstant(evaluation.waitUntil),
  };
}

export function deploymentToWire(deployment: Deployment): JsonObject {
  return encode(deploymentSchema, deployment);
}

/** The whole node; its secret never leaves the servers. */
export function nodeToWire(node: Node): JsonObject {
  return {
    ...encode(nodeSchema, node),
    CSIControllerPlugins: {},
    CSINodePlugins: {},
    Drain: node.drainStrategy !== null,
    GCVolumesOnNodeGC: false,
    IdentitySigningKeyID: "",
    SecretID: "",
  };
}

export interface NodeStubOptions {
  /** `?os=true` adds the operating system's name. */
  readonly os?: boolean;
  /** `?resources=true` */
  readonly resources?: boolean;
}

export function nodeStubToWire(node: Node, options: NodeStubOptions = {}): JsonObject {
  const drivers: JsonObject = {};
  for (const [name, info] of Object.entries(node.drivers)) {
    drivers[name] = encode(driverInfoSchema, info);
  }
  return {
    Address: addressOf(node.httpAddr),
    ...(options.os === true ? { Attributes: { "os.name": node.attributes["os.name"] ?? "" } } : {}),
    CreateIndex: node.createIndex,
    Datacenter: node.datacenter,
    Drain: node.drainStrategy !== null,
    Drivers: drivers,
    HostVolumes: node.hostVolumes,
    ID: node.id,
    LastDrain: node.lastDrain === null ? null : encode(lastDrainSchema, node.lastDrain),
    ModifyIndex: node.modifyIndex,
    Name: node.name,
    NodeClass: node.nodeClass,
    NodePool: node.nodePool,
    ...(options.resources === true
      ? {
          NodeResources: encode(nodeResourcesSchema, node.nodeResources),
          ReservedResources: encode(reservedResourcesSchema, node.reservedResources),
        }
      : {}),
    SchedulingEligibility: node.schedulingEligibility,
    Status: node.status,
    StatusDescription: node.statusDescription,
    Version: node.attributes["nomad.version"] ?? "",
  };
}

/** Host part of `host:port`; IPv6 hosts lose their brackets. */
function addressOf(httpAddr: string): string {
  const host = httpAddr.replace(/:\d+$/, "");
  return host.startsWith("[") ? host.slice(1, -1) : host;
}

export function namespaceToWire(namespace: Namespace): JsonObject {
  return {
    ...encode(namespaceSchema, namespace),
    ConsulConfiguration: null,
    Hash: null,
    NodePoolConfiguration: null,
    OptionalExtraClaims: null,
    RequiredExtraClaims: null,
    VaultConfiguration: null,
  };
}

export function nodePoolToWire(pool: NodePool): JsonObject {
  return { ...encode(nodePoolSchema, pool), Hash: null };
}

export function schedulerConfigToWire(config: SchedulerConfig): JsonObject {
  return encode(schedulerConfigSchema, config);
}

export function serviceRegistrationToWire(registration: ServiceRegistration): JsonObject {
  return encode(serviceRegistrationSchema, registration);
}
