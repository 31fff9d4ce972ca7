/** Names, defaults and inherited members of services and checks (spec chapter 1 §1.5, §1.6). */

import { fillDefaults } from "../schema/defaults.ts";
import type { InferInput } from "../schema/field.ts";
import type { JobScope } from "./canonicalize.ts";
import {
  type CheckRestart,
  checkRestartSchema,
  type Service,
  type ServiceCheck,
  serviceSchema,
} from "./service.ts";

type ServiceInput = InferInput<typeof serviceSchema>;
type CheckRestartInput = InferInput<typeof checkRestartSchema>;

interface ServicePlace {
  readonly group: string;
  /** Absent for a group's service. */
  readonly task?: string;
}

export function canonicalizeServices(
  inputs: readonly ServiceInput[],
  job: JobScope,
  place: ServicePlace,
): Service[] {
  return inputs.map((input) => canonicalizeService(input, job, place));
}

function canonicalizeService(input: ServiceInput, job: JobScope, place: ServicePlace): Service {
  const service = fillDefaults(serviceSchema, input);
  const base = `${job.name}-${place.group}-${place.task ?? "group"}`;
  if (service.name === "") {
    service.name = place.task === undefined ? `${job.name}-${place.group}` : base;
  }
  service.name = interpolateName(service.name, {
    JOB: job.name,
    TASKGROUP: place.group,
    TASK: place.task ?? "group",
    BASE: base,
  });
  if (place.task !== undefined) service.taskName = place.task;
  service.namespace = service.provider === "nomad" ? job.namespace : "default";
  service.checks = (input.checks ?? []).map((check, i) =>
    canonicalizeCheck(service.checks[i] as ServiceCheck, check.checkRestart, service, input),
  );
  service.checkRestart = null;
  if (service.weights !== null) {
    service.weights.passing = Math.max(1, service.weights.passing);
    service.weights.warning = Math.max(1, service.weights.warning);
  }
  return service;
}

function canonicalizeCheck(
  check: ServiceCheck,
  restart: CheckRestartInput | null,
  service: Service,
  input: ServiceInput,
): ServiceCheck {
  check.checkRestart = mergeCheckRestart(input.checkRestart, restart);
  if (check.name === "") check.name = `service: ${JSON.stringify(service.name)} check`;
  if (check.onUpdate === "") check.onUpdate = service.onUpdate;
  if (check.taskName === "") check.taskName = service.taskName;
  return check;
}

function mergeCheckRestart(
  outer: CheckRestartInput | null,
  inner: CheckRestartInput | null,
): CheckRestart | null {
  if (outer === null && inner === null) return null;
  return fillDefaults(checkRestartSchema, {
    limit: inner?.limit || (outer?.limit ?? null),
    grace: inner?.grace ?? outer?.grace ?? null,
    ignoreWarnings: inner?.ignoreWarnings || (outer?.ignoreWarnings ?? null),
  });
}

function interpolateName(name: string, values: Readonly<Record<string, string>>): string {
  return name.replace(/\$\{([A-Z]+)\}/g, (whole, key: string) => values[key] ?? whole);
}
