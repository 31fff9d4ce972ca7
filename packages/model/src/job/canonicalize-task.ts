/** Defaults and inherited members of one task (spec chapter 1 §1.3). */
import { overlay } from "../schema/defaults.ts";
import type { JobScope } from "./canonicalize.ts";
import { canonicalizeNetworks } from "./canonicalize-network.ts";
import { canonicalizeServices } from "./canonicalize-service.ts";
import type { WorkloadIdentity } from "./identity.ts";
import type { RestartPolicy } from "./restart.ts";
import type { Task, TaskInput } from "./task.ts";

interface TaskScope {
  readonly job: JobScope;
  readonly group: string;
  /** The group's policy, complete. */
  readonly restart: RestartPolicy;
}

export function canonicalizeTask(task: Task, input: TaskInput, scope: TaskScope): Task {
  const { job, group } = scope;
  const place = { group, task: task.name };
  task.restartPolicy = overlay(scope.restart, input.restartPolicy);
  task.services = canonicalizeServices(input.services ?? [], job, place);
  task.identity = defaultIdentity(task.identity);
  if (isEmptyObject(task.config)) task.config = null;
  canonicalizeResources(task, input);
  canonicalizeNetworks(task.resources.networks);
  task.logConfig.enabled = null;
  for (const template of task.templates) {
    if (template.changeMode === "signal") {
      template.changeSignal = template.changeSignal.toUpperCase();
    }
  }
  for (const [i, artifact] of task.artifacts.entries()) {
    const written = input.artifacts?.[i]?.relativeDest ?? null;
    if (written === null) artifact.relativeDest = defaultDestination(artifact);
  }
  for (const policy of task.scalingPolicies) {
    policy.target = { Namespace: job.namespace, Job: job.id, Group: group, Task: task.name };
  }
  return task;
}

/** CPU shares stand in only where neither shares nor cores are asked for. */
function canonicalizeResources(task: Task, input: TaskInput): void {
  const resources = task.resources;
  if ((input.resources?.cpu ?? null) === null) resources.cpu = resources.cores > 0 ? 0 : 100;
  resources.diskMb = 0;
}

/** Every task has the cluster's own identity; users choose how it is shown, not whom it is for. */
function defaultIdentity(written: WorkloadIdentity | null): WorkloadIdentity {
  const identity: WorkloadIdentity = written ?? {
    name: "",
    audience: [],
    changeMode: "",
    changeSignal: "",
    env: false,
    file: false,
    filepath: "",
    serviceName: "",
    ttl: 0,
    extraClaims: [],
  };
  return { ...identity, name: "default", audience: ["nomadproject.io"] };
}

function defaultDestination(artifact: Task["artifacts"][number]): string {
  if (artifact.getterMode !== "file") return "local/";
  return `local/${artifact.getterSource.replace(/\/+$/, "").split("/").pop() ?? ""}`;
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}
