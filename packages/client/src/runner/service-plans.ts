/** What an allocation offers in the catalog, with everything interpolated (spec chapter 5 §5.6). */
import { buildServiceSpecs, type ServiceDiscovery } from "@drover/discovery";
import type { DriverNetwork } from "@drover/drivers";
import type { Node, Service, Task } from "@drover/model";
import { interpolate, type Lookup } from "../core/interpolate.ts";
import { allocPorts, taskPorts } from "../core/task-env.ts";
import { handleOf } from "../core/task-run.ts";
import { type AllocRecord, groupOf } from "../state/alloc-record.ts";
import type { ServicePlan } from "./service-registrar.ts";

export interface PlanInput {
  readonly record: AllocRecord;
  readonly node: Node;
  readonly hostAddress: string;
  /** Environment of a task; of the group when `task` is null. */
  lookup(task: Task | null): Lookup;
  discovery(provider: string): ServiceDiscovery;
}

/** Group services carry taskName "". Throws DroverError `service-address`. */
export function servicePlans(input: PlanInput): ServicePlan[] {
  const group = groupOf(input.record.job, input.record.alloc);
  const plans = plansOf(input, group.services, null);
  for (const task of group.tasks) plans.push(...plansOf(input, task.services, task));
  return plans;
}

/** The part of the plans that belongs in the catalog now. */
export function wantedPlans(record: AllocRecord, plans: readonly ServicePlan[]): ServicePlan[] {
  if (record.stage.kind !== "running") return [];
  const alive = Object.values(record.tasks).some((run) => run.phase.kind !== "dead");
  return plans.filter(({ spec }) => {
    if (spec.taskName === "") return alive;
    return record.tasks[spec.taskName]?.phase.kind === "running";
  });
}

function plansOf(input: PlanInput, services: readonly Service[], task: Task | null): ServicePlan[] {
  if (services.length === 0) return [];
  const { record, node } = input;
  const { alloc, job } = record;
  const lookup = input.lookup(task);
  const specs = buildServiceSpecs({
    services,
    taskName: task?.name ?? "",
    alloc: {
      id: alloc.id,
      namespace: alloc.namespace,
      jobId: alloc.jobId,
      taskGroup: alloc.taskGroup,
      nodeId: node.id,
      canary: alloc.deploymentStatus?.canary === true,
    },
    jobName: job.name,
    datacenter: node.datacenter,
    networks: {
      ports: task === null ? allocPorts(alloc) : taskPorts(alloc, task.name),
      hostIp: input.hostAddress,
      driver: driverNetwork(record, task),
      allocIp: "",
    },
    interpolate: (text) => interpolate(text, lookup),
  });
  return specs.map((spec, i) => ({
    discovery: input.discovery(services[i]?.provider ?? ""),
    spec,
  }));
}

/** A group's service may name the task whose network it means; else the first that has one. */
function driverNetwork(record: AllocRecord, task: Task | null): DriverNetwork | null {
  const runs = task === null ? Object.values(record.tasks) : [record.tasks[task.name]];
  for (const run of runs) {
    const network = run === undefined ? undefined : handleOf(run)?.network;
    if (network !== undefined) return network;
  }
  return null;
}
