/** The smaller parts of a task (spec chapter 1 §1.3). */
import { formatDuration } from "@drover/base";
import type { WorkloadIdentity } from "../job/identity.ts";
import type { Resources } from "../job/resources.ts";
import type { Task } from "../job/task.ts";
import type { TaskGroup } from "../job/task-group.ts";
import type { Artifact, LogConfig, Template } from "../job/task-parts.ts";
import { escapesAllocation } from "./paths.ts";
import { Problems, quote } from "./problems.ts";

const NAME = /^[a-zA-Z0-9-_]{1,128}$/;
const SECRET_NAME = /^[a-zA-Z0-9_]{1,128}$/;
const MEMORY_MIN_MB = 10;

export function validateResources(resources: Resources): Problems {
  const problems = new Problems();
  const { cpu, cores, memoryMb, memoryMaxMb } = resources;
  problems.addIf(
    cores > 0 && cpu > 0,
    "Task can only ask for 'cpu' or 'cores' resource, not both.",
  );
  const least = new Problems();
  least.addIf(cores === 0 && cpu < 1, `minimum CPU value is 1; got ${cpu}`);
  least.addIf(
    memoryMb < MEMORY_MIN_MB,
    `minimum MemoryMB value is ${MEMORY_MIN_MB}; got ${memoryMb}`,
  );
  problems.nest("", least);
  for (const [i, device] of resources.devices.entries()) {
    problems.nest(`device ${i + 1} failed validation: `, deviceProblems(device));
  }
  problems.addIf(
    memoryMaxMb !== 0 && memoryMaxMb !== -1 && memoryMaxMb < memoryMb,
    `MemoryMaxMB value (${memoryMaxMb}) should be larger than MemoryMB value (${memoryMb})`,
  );
  problems.addIf(
    resources.secretsMb > memoryMb,
    `SecretsMB value (${resources.secretsMb}) cannot be larger than MemoryMB value (${memoryMb})`,
  );
  const { numa, devices } = resources;
  if (numa === null) return problems;
  for (const name of numa.devices) {
    problems.addIf(
      !devices.some((device) => device.name === name),
      `numa device ${quote(name)} not requested as task resource`,
    );
  }
  problems.addIf(
    !["none", "prefer", "require"].includes(numa.affinity),
    "numa affinity must be one of none, prefer, or require",
  );
  return problems;
}

function deviceProblems(device: Resources["devices"][number]): Problems {
  const problems = new Problems();
  const parts = device.name.split("/");
  problems.addIf(
    device.name === "" || parts.length > 3 || parts.includes(""),
    "device name must be given as one of the following: type, vendor/type, or vendor/type/name",
  );
  for (const [i, { operand }] of device.constraints.entries()) {
    problems.addIf(
      operand.startsWith("distinct_"),
      `Constraint ${i + 1} validation failed: using unsupported operand ${quote(operand)}`,
    );
  }
  return problems;
}

export function validateLogs(logs: LogConfig, diskMb: number): Problems {
  const problems = new Problems();
  const total = logs.maxFiles * logs.maxFileSizeMb;
  problems.addIf(logs.maxFiles < 1, `minimum number of files is 1; got ${logs.maxFiles}`);
  problems.addIf(logs.maxFileSizeMb < 1, `minimum file size is 1MB; got ${logs.maxFileSizeMb}`);
  problems.addIf(
    total >= diskMb,
    `log storage (${total} MB) must be less than requested disk capacity (${diskMb} MB)`,
  );
  return problems;
}

export function validateTemplates(templates: readonly Template[], problems: Problems): void {
  const places = new Map<string, number>();
  for (const [i, template] of templates.entries()) {
    problems.nest(`Template ${i + 1} validation failed: `, templateProblems(template));
    const other = places.get(template.destPath);
    if (other !== undefined) {
      problems.add(`Template ${i + 1} has same destination as ${other}`);
    } else places.set(template.destPath, i + 1);
  }
}

function templateProblems(template: Template): Problems {
  const problems = new Problems();
  const { destPath, changeMode, perms, wait } = template;
  problems.addIf(
    template.sourcePath === "" && template.embeddedTmpl === "",
    "Must specify a source path or have an embedded template",
  );
  problems.addIf(destPath === "", "Must specify a destination for the template");
  problems.addIf(escapesAllocation(destPath), "destination escapes allocation directory");
  if (changeMode === "signal") {
    problems.addIf(template.envvars, "cannot use signals with env var templates");
  } else if (changeMode === "script") {
    problems.addIf(
      template.changeScript === null,
      "must specify change script configuration value when change mode is script",
    );
  } else if (changeMode !== "noop" && changeMode !== "restart") {
    problems.add(
      "Invalid change mode. Must be one of the following: noop, signal, script, restart",
    );
  }
  problems.addIf(template.splay < 0, "Must specify positive splay value");
  problems.addIf(
    perms !== "" && !/^[0-7]+$/.test(perms),
    `Failed to parse ${quote(perms)} as octal: ` +
      `strconv.ParseUint: parsing ${quote(perms)}: invalid syntax`,
  );
  if (wait === null || wait.min === null || wait.max === null) return problems;
  problems.addIf(
    wait.min > wait.max,
    `wait min ${formatDuration(wait.min)} is greater than max ${formatDuration(wait.max)}`,
  );
  return problems;
}

export function validateArtifacts(artifacts: readonly Artifact[], problems: Problems): void {
  for (const [i, artifact] of artifacts.entries()) {
    problems.nest(`Artifact ${i + 1} validation failed: `, artifactProblems(artifact));
  }
}

function artifactProblems(artifact: Artifact): Problems {
  const problems = new Problems();
  const mode = artifact.getterMode;
  problems.addIf(artifact.getterSource === "", "source must be specified");
  problems.addIf(
    !["any", "file", "dir"].includes(mode),
    `invalid artifact mode ${quote(mode)}; must be one of: any, file, dir`,
  );
  problems.addIf(
    escapesAllocation(artifact.relativeDest),
    "destination escapes allocation directory",
  );
  const reason = checksumProblem(artifact.getterOptions.checksum ?? "");
  problems.addIf(reason !== null, `invalid checksum: ${reason}`);
  return problems;
}

const CHECKSUM_BYTES: Readonly<Record<string, number>> = {
  md5: 16,
  sha1: 20,
  sha256: 32,
  sha512: 64,
};

function checksumProblem(checksum: string): string | null {
  if (checksum === "" || checksum.includes("${")) return null;
  const [type = "", value, ...rest] = checksum.split(":");
  if (value === undefined || rest.length > 0) {
    return `must be given as "type:value"; got ${quote(checksum)}`;
  }
  const bytes = CHECKSUM_BYTES[type];
  if (bytes === undefined) return `unsupported checksum type: ${type}`;
  const bad = /[^0-9a-fA-F]/u.exec(value)?.[0];
  if (bad !== undefined) {
    const code = (bad.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    return `encoding/hex: invalid byte: U+${code} '${bad}'`;
  }
  if (value.length % 2 === 1) return "encoding/hex: odd length hex string";
  return value.length === 2 * bytes ? null : `invalid ${type} checksum: ${value}`;
}

export function validateIdentities(
  identities: readonly WorkloadIdentity[],
  problems: Problems,
): void {
  for (const identity of identities) {
    problems.nest(`Identity ${quote(identity.name)} is invalid: `, identityProblems(identity));
  }
}

function identityProblems(identity: WorkloadIdentity): Problems {
  const problems = new Problems();
  problems.addIf(
    !NAME.test(identity.name),
    `invalid name ${quote(identity.name)}. Must match regex ${NAME.source}`,
  );
  for (const [i, audience] of identity.audience.entries()) {
    problems.addIf(audience === "", `an empty string is an invalid audience (${i + 1})`);
  }
  if (identity.changeMode === "signal") {
    problems.addIf(
      identity.changeSignal === "",
      'change_signal must be specified when using change_mode="signal"',
    );
  } else if (!["", "noop", "restart"].includes(identity.changeMode)) {
    problems.add(`invalid change_mode: ${identity.changeMode}`);
  }
  problems.addIf(identity.ttl < 0, "ttl must be >= 0");
  return problems;
}

export function validateActions(actions: Task["actions"], problems: Problems): void {
  const seen = new Set<string>();
  for (const action of actions) {
    const part = new Problems();
    part.addIf(action.command === "", "command cannot be empty");
    part.addIf(!NAME.test(action.name), `invalid name '${action.name}'`);
    problems.nest(`Action ${action.name} validation failed: `, part);
    problems.addIf(seen.has(action.name), `Action ${action.name} defined multiple times`);
    seen.add(action.name);
  }
}

const SECRET_PROVIDERS_BUILT_IN = ["nomad", "vault"];

export function validateSecrets(task: Task, problems: Problems): void {
  const seen = new Set<string>();
  for (const secret of task.secrets) {
    const { name, provider } = secret;
    problems.addIf(seen.has(name), `Duplicate secret ${quote(name)} found`);
    seen.add(name);
    problems.addIf(
      provider === "vault" && task.vault === null,
      `Secret ${quote(name)} has provider "vault" but no vault block`,
    );
    const part = new Problems();
    const isPlugin = provider !== "" && !SECRET_PROVIDERS_BUILT_IN.includes(provider);
    const hasEnv = Object.keys(secret.env).length > 0;
    part.addIf(!SECRET_NAME.test(name), `secret name must match regex ${SECRET_NAME.source}`);
    part.addIf(provider === "", "secret provider cannot be empty");
    part.addIf(secret.path === "", "secret path cannot be empty");
    part.addIf(!isPlugin && hasEnv, `${provider} provider cannot use the env block`);
    part.addIf(
      isPlugin && secret.config !== null,
      `custom plugin provider ${provider} cannot use the config block`,
    );
    problems.nest(`Secret ${quote(name)} is invalid: `, part);
  }
}

export function validateCsiPlugin(plugin: Task["csiPluginConfig"], problems: Problems): void {
  if (plugin === null) return;
  problems.addIf(plugin.id === "", "CSIPluginConfig must have a non-empty PluginID");
  problems.addIf(
    !["node", "controller", "monolith"].includes(plugin.type),
    "CSIPluginConfig PluginType must be one of 'node', 'controller', or 'monolith', " +
      `got: ${quote(plugin.type)}`,
  );
}

const PROPAGATION_MODES = ["", "private", "host-to-task", "bidirectional"];

export function validateVolumeMounts(task: Task, group: TaskGroup, problems: Problems): void {
  for (const [i, mount] of task.volumeMounts.entries()) {
    problems.addIf(
      mount.volume !== "" && group.volumes[mount.volume] === undefined,
      `Volume Mount (${i}) references undefined volume ${mount.volume}`,
    );
    const part = new Problems();
    part.addIf(
      !PROPAGATION_MODES.includes(mount.propagationMode),
      `volume mount has an invalid propagation mode: ${quote(mount.propagationMode)}`,
    );
    problems.addIf(!part.isEmpty, `Volume Mount (${i}) is invalid: "${part.text()}"`);
  }
}
