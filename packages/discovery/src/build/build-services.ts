/**
 * From the services of a job to what is registered for one allocation: names, tags, addresses and
 * checks with everything filled in (spec chapters 1 §1.5–1.6 and 5 §5.6). Pure.
 */
import type { Service, ServiceCheck } from "@drover/model";
import type { CheckSpec, ServiceSpec } from "../service-discovery.ts";
import { type Address, resolveAddress, type ServiceNetworks } from "./address.ts";
import { checkId } from "./check-id.ts";

export interface ServiceBuildInput {
  readonly services: readonly Service[];
  /** The task whose services these are; "" for the group's. */
  readonly taskName: string;
  readonly alloc: {
    readonly id: string;
    readonly namespace: string;
    readonly jobId: string;
    readonly taskGroup: string;
    readonly nodeId: string;
    /** Not yet promoted: canary tags and meta are used. */
    readonly canary: boolean;
  };
  readonly jobName: string;
  readonly datacenter: string;
  readonly networks: ServiceNetworks;
  /** Fills in `${NOMAD_…}`, `${env…}`, `${attr…}`, `${meta…}`. */
  readonly interpolate: (text: string) => string;
}

/** Throws DroverError `service-address` for a port or network that does not exist. */
export function buildServiceSpecs(input: ServiceBuildInput): ServiceSpec[] {
  return input.services.map((service) => buildOne(input, service));
}

/** `_drover-task-<allocation>-<workload>-<service>-<port label>`. */
export function serviceId(parts: {
  readonly allocId: string;
  readonly groupName: string;
  /** "" for a group's service. */
  readonly taskName: string;
  readonly serviceName: string;
  readonly portLabel: string;
}): string {
  const workload = parts.taskName === "" ? `group-${parts.groupName}` : parts.taskName;
  return `_drover-task-${parts.allocId}-${workload}-${parts.serviceName}-${parts.portLabel}`;
}

function buildOne(input: ServiceBuildInput, service: Service): ServiceSpec {
  const { alloc, networks } = input;
  const fill = fillIn(input);
  const name = fill(service.name) || defaultName(input);
  const portLabel = fill(service.portLabel);
  const explicit = fill(service.address);
  const address = resolveAddress({ mode: service.addressMode, portLabel, explicit }, networks);
  const id = serviceId({
    allocId: alloc.id,
    groupName: alloc.taskGroup,
    taskName: input.taskName,
    serviceName: name,
    portLabel,
  });
  const tags = alloc.canary && service.canaryTags.length > 0 ? service.canaryTags : service.tags;
  const canaryMeta = alloc.canary && Object.keys(service.canaryMeta).length > 0;
  const meta = canaryMeta ? service.canaryMeta : service.meta;
  return {
    id,
    name,
    namespace: service.provider === "nomad" ? alloc.namespace : service.namespace || "default",
    allocId: alloc.id,
    jobId: alloc.jobId,
    nodeId: alloc.nodeId,
    datacenter: input.datacenter,
    taskName: input.taskName,
    groupName: alloc.taskGroup,
    tags: tags.map(fill),
    meta: Object.fromEntries(Object.entries(meta).map(([k, v]) => [fill(k), fill(v)])),
    address: address.ip,
    port: address.port,
    enableTagOverride: service.enableTagOverride,
    weights: service.weights,
    checks: service.checks.map((check) =>
      buildCheck({ input, service, serviceId: id, serviceName: name, check }),
    ),
    onUpdate: service.onUpdate,
  };
}

function buildCheck(parts: {
  readonly input: ServiceBuildInput;
  readonly service: Service;
  readonly serviceId: string;
  readonly serviceName: string;
  readonly check: ServiceCheck;
}): CheckSpec {
  const { input, service, check } = parts;
  const fill = fillIn(input);
  const filled = fillDefinition(check, fill);
  const definition: ServiceCheck = {
    ...filled,
    name: filled.name || `service: "${parts.serviceName}" check`,
    portLabel: filled.portLabel || fill(service.portLabel),
    onUpdate: filled.onUpdate || service.onUpdate,
  };
  return {
    id: checkId(parts.serviceId, definition, service.provider),
    name: definition.name,
    definition,
    address: checkAddress(definition, service, input),
    taskName: definition.taskName || service.taskName || input.taskName,
  };
}

/** `host:port`; "" for a script, which needs none. */
function checkAddress(check: ServiceCheck, service: Service, input: ServiceBuildInput): string {
  if (check.type === "script") return "";
  const custom = service.address !== "";
  const mode = check.addressMode || (custom ? "auto" : "host");
  const explicit = custom ? fillIn(input)(service.address) : "";
  const request = { mode, portLabel: check.portLabel, explicit };
  return hostPort(resolveAddress(request, input.networks));
}

function hostPort(address: Address): string {
  const ip = address.ip.includes(":") ? `[${address.ip}]` : address.ip;
  return `${ip}:${address.port}`;
}

function fillDefinition(check: ServiceCheck, fill: (text: string) => string): ServiceCheck {
  const header: Record<string, string[]> = {};
  for (const [name, values] of Object.entries(check.header)) header[fill(name)] = values.map(fill);
  return {
    ...check,
    name: fill(check.name),
    type: fill(check.type),
    command: fill(check.command),
    args: check.args.map(fill),
    path: fill(check.path),
    protocol: fill(check.protocol),
    portLabel: fill(check.portLabel),
    initialStatus: fill(check.initialStatus),
    notes: fill(check.notes),
    tlsServerName: fill(check.tlsServerName),
    header,
    method: fill(check.method),
    body: fill(check.body),
    grpcService: fill(check.grpcService),
  };
}

function defaultName(input: ServiceBuildInput): string {
  const base = `${input.jobName}-${input.alloc.taskGroup}`;
  return input.taskName === "" ? base : `${base}-${input.taskName}`;
}

/** The service-only placeholders first, then the ones every string of a task may hold. */
function fillIn(input: ServiceBuildInput): (text: string) => string {
  const own: Record<string, string> = {
    JOB: input.jobName,
    TASKGROUP: input.alloc.taskGroup,
    TASK: input.taskName,
    BASE: defaultName(input),
  };
  return (text) => {
    const first = text.replace(/\$\{(JOB|TASKGROUP|TASK|BASE)\}/g, (_all, key: string) => {
      return own[key] ?? "";
    });
    return input.interpolate(first);
  };
}
