/** Services of a group or a task, and their checks (spec chapter 1 §1.5, §1.6). */
import { formatDuration, SECOND } from "@drover/base";
import type { Service, ServiceCheck } from "../job/service.ts";
import type { Task } from "../job/task.ts";
import type { TaskGroup } from "../job/task-group.ts";
import type { Json, JsonObject } from "../schema/field.ts";
import { Problems, quote } from "./problems.ts";

const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;
const ON_UPDATE = ["", "require_healthy", "ignore_warnings", "ignore"];
const CONSUL_TYPES = ["grpc", "tcp", "http", "script"];
const NOMAD_TYPES = ["tcp", "http"];
const ADDRESS_MODES = ["", "auto", "host", "driver", "alloc", "alloc_ipv6"];
const METHODS = [
  "",
  "CONNECT",
  "DELETE",
  "GET",
  "HEAD",
  "OPTIONS",
  "PATCH",
  "POST",
  "PUT",
  "TRACE",
];

export function validateGroupServices(group: TaskGroup): Problems {
  const problems = new Problems();
  const seen = new Set<string>();
  const duplicates: string[] = [];
  for (const [i, service] of group.services.entries()) {
    problems.nest(`Service[${i}] ${service.name} validation failed: `, serviceProblems(service));
    problems.addIf(
      service.addressMode === "driver",
      `service ${quote(service.name)} cannot use address_mode="driver", ` +
        'only services defined in a "task" block can use this mode',
    );
    const key = `${service.taskName || "group"}->${service.name}:${service.portLabel}`;
    if (seen.has(key)) duplicates.push(key);
    seen.add(key);
  }
  problems.addIf(duplicates.length > 0, `Services are not unique: [${duplicates.join(" ")}]`);
  const all = [...group.services, ...group.tasks.flatMap((task) => task.services)];
  problems.addIf(
    new Set(all.map((service) => service.provider)).size > 1,
    "Multiple service providers used: task group services must use the same provider",
  );
  return problems;
}

/** Script checks run inside a task, so one must be named. */
export function validateGroupChecks(group: TaskGroup): Problems {
  const problems = new Problems();
  for (const service of group.services) {
    for (const check of service.checks) {
      problems.addIf(
        check.type === "script" && check.taskName === "" && service.taskName === "",
        `Service [${group.name}]->${service.name} or Check ${check.name} must specify task parameter`,
      );
    }
  }
  return problems;
}

export function validateTaskServices(task: Task, group: TaskGroup): Problems {
  const problems = new Problems();
  const labels = new Set(
    [...group.networks, ...task.resources.networks].flatMap((network) =>
      [...network.reservedPorts, ...network.dynamicPorts].map((port) => port.label),
    ),
  );
  const unknown = new Map<string, string[]>();
  const seen = new Set<string>();
  for (const [i, service] of task.services.entries()) {
    const { name, portLabel, addressMode } = service;
    problems.nest(`service[${i}] ${quote(name)} validation failed: `, serviceProblems(service));
    problems.addIf(
      addressMode.startsWith("alloc"),
      `service ${quote(name)} cannot use address_mode=${quote(addressMode)}, ` +
        'only services defined in a "group" block can use this mode',
    );
    problems.addIf(seen.has(`${name} ${portLabel}`), `service ${quote(name)} is duplicate`);
    seen.add(`${name} ${portLabel}`);
    const isNumber = addressMode === "driver" && /^\d+$/.test(portLabel);
    if (portLabel !== "" && !labels.has(portLabel) && !isNumber) {
      unknown.set(portLabel, [...(unknown.get(portLabel) ?? []), name]);
    }
  }
  for (const [label, names] of unknown) {
    problems.add(
      `port label ${quote(label)} referenced by services ${names.join(", ")} does not exist`,
    );
  }
  return problems;
}

function serviceProblems(service: Service): Problems {
  const problems = new Problems();
  // What a placeholder will be is not known before the task starts; a letter stands in for it.
  const name = service.name.replace(/\$\{[^}]*\}/g, "x");
  problems.addIf(
    !NAME.test(name),
    "Service name must be valid per RFC 1123 and can contain only alphanumeric characters or " +
      `dashes and must be no longer than 63 characters: ${quote(service.name)}`,
  );
  if (!ADDRESS_MODES.includes(service.addressMode)) {
    problems.add(
      `Service address_mode must be "auto", "host", or "driver"; not ${quote(service.addressMode)}`,
    );
  }
  problems.addIf(
    service.address !== "" && service.addressMode !== "" && service.addressMode !== "auto",
    'Service address_mode must be "auto" if address is set',
  );
  problems.addIf(
    !ON_UPDATE.includes(service.onUpdate),
    'Service on_update must be "require_healthy", "ignore_warnings", or "ignore"; ' +
      `not ${quote(service.onUpdate)}`,
  );
  if (service.provider === "consul") addConsulProblems(service, problems);
  else if (service.provider === "nomad") addBuiltInProblems(service, problems);
  else {
    problems.add(`Service provider must be "consul", or "nomad"; not ${quote(service.provider)}`);
  }
  return problems;
}

function addConsulProblems(service: Service, problems: Problems): void {
  for (const check of service.checks) {
    const needsPort = ["grpc", "http", "tcp"].includes(check.type);
    const problem =
      service.portLabel === "" && check.portLabel === "" && needsPort
        ? `check requires a port but neither check nor service ${quote(service.name)} have a port`
        : (commonProblem(check, CONSUL_TYPES) ?? consulProblem(check));
    problems.addIf(problem !== null, `Check ${check.name} invalid: ${problem}`);
  }
  const connect = asObject(service.connect);
  if (connect === null) return;
  const isNative = connect.Native === true;
  const kinds = [isNative, isPresent(connect.SidecarService), isPresent(connect.Gateway)];
  problems.addIf(
    kinds.filter(Boolean).length !== 1,
    "Consul Connect must be exclusively native, make use of a sidecar, or represent a Gateway",
  );
  problems.addIf(
    isNative && service.taskName === "",
    `Service ${service.name} is Connect Native and requires setting the task`,
  );
}

function addBuiltInProblems(service: Service, problems: Problems): void {
  for (const check of service.checks) {
    const problem =
      builtInTypeProblem(check) ??
      builtInOnlyProblem(check) ??
      commonProblem(check, NOMAD_TYPES) ??
      consulProblem(check);
    if (problem !== null) problems.add(problem);
  }
  problems.addIf(
    service.connect !== null,
    "Service with provider nomad cannot include Connect blocks",
  );
}

function builtInTypeProblem(check: ServiceCheck): string | null {
  return NOMAD_TYPES.includes(check.type) ? null : typeProblem(check, NOMAD_TYPES);
}

function builtInOnlyProblem(check: ServiceCheck): string | null {
  const only = "may only be set for Consul service checks";
  if (check.expose) return `expose ${only}`;
  if (check.onUpdate === "ignore_warnings") {
    return "on_update may only be set to ignore_warnings for Consul service checks";
  }
  if (check.checkRestart?.ignoreWarnings === true) {
    return "ignore_warnings on check_restart only supported for Consul service checks";
  }
  if (check.addressMode === "driver") {
    return "address_mode = driver may only be set for Consul service checks";
  }
  if (check.successBeforePassing !== 0) return `success_before_passing ${only}`;
  if (check.failuresBeforeCritical !== 0) return `failures_before_critical ${only}`;
  if (check.failuresBeforeWarning !== 0) return `failures_before_warning ${only}`;
  if (check.tlsServerName !== "") return `tls_server_name ${only}`;
  if (check.type === "http" && !METHODS.includes(check.method)) {
    return `method type ${quote(check.method)} not supported in Nomad http check`;
  }
  return null;
}

/** What holds for every provider; the first problem only. */
function commonProblem(check: ServiceCheck, types: readonly string[]): string | null {
  if (!types.includes(check.type)) return typeProblem(check, types);
  if (check.interval === 0) {
    return "missing required value interval. Interval cannot be less than 1s";
  }
  if (check.interval < SECOND) {
    return `interval (${formatDuration(check.interval)}) cannot be lower than 1s`;
  }
  if (check.timeout === 0) {
    return "missing required value timeout. Timeout cannot be less than 1s";
  }
  if (check.timeout < SECOND) {
    const got = formatDuration(check.timeout);
    return `timeout (${got}) is lower than required minimum timeout 1s`;
  }
  if (!["", "passing", "warning", "critical"].includes(check.initialStatus)) {
    return (
      `invalid initial check state (${check.initialStatus}), ` +
      'must be one of "passing", "warning", "critical" or empty'
    );
  }
  return modeProblem(check) ?? onUpdateProblem(check);
}

function typeProblem(check: ServiceCheck, types: readonly string[]): string {
  return `invalid check type (${quote(check.type)}), must be one of ${types.join(", ")}`;
}

function modeProblem({ addressMode }: ServiceCheck): string | null {
  if (addressMode === "auto") return 'invalid address_mode "auto" - auto only valid for services';
  return ADDRESS_MODES.includes(addressMode) ? null : `invalid address_mode ${quote(addressMode)}`;
}

function onUpdateProblem({ onUpdate, checkRestart }: ServiceCheck): string | null {
  if (!ON_UPDATE.includes(onUpdate)) {
    return (
      'on_update must be "require_healthy", "ignore_warnings", or "ignore"; ' +
      `got ${quote(onUpdate)}`
    );
  }
  if (checkRestart === null) return null;
  if (onUpdate === "ignore") {
    return 'on_update value "ignore" is not compatible with check_restart';
  }
  if (onUpdate === "ignore_warnings" && !checkRestart.ignoreWarnings) {
    return (
      'on_update value "ignore_warnings" not supported with ' +
      'check_restart ignore_warnings value "false"'
    );
  }
  const problems = new Problems();
  problems.addIf(
    checkRestart.limit < 0,
    `limit must be greater than or equal to 0 but found ${checkRestart.limit}`,
  );
  problems.addIf(
    checkRestart.grace < 0,
    `grace period must be greater than or equal to 0 but found ${checkRestart.grace}`,
  );
  return problems.isEmpty ? null : problems.text();
}

function consulProblem(check: ServiceCheck): string | null {
  if (check.type === "http") {
    if (check.path === "") return "http type must have http path";
    const isAbsolute = /^[a-z][a-z0-9+.-]*:/i.test(check.path);
    return isAbsolute ? "http type must have relative http path" : null;
  }
  if (check.type === "script" && check.command === "") {
    return "script type must have a valid script path";
  }
  if (check.expose && !["http", "grpc"].includes(check.type)) {
    return "expose may only be set on HTTP or gRPC checks";
  }
  return check.notes.length > 255 ? "notes must not be longer than 255 characters" : null;
}

function asObject(json: Json): JsonObject | null {
  return typeof json === "object" && json !== null && !Array.isArray(json) ? json : null;
}

function isPresent(json: Json | undefined): boolean {
  return json !== null && json !== undefined;
}
