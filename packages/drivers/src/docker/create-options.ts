/** From a start request to the engine's create call. Pure: what it returns is all that is asked. */
import { join, resolve } from "node:path";
import type Docker from "dockerode";
import { type PortMapping, TaskStartError, type TaskStartRequest } from "../task-driver.ts";
import { taskKey } from "../task-key.ts";
import type { DockerConfig } from "./config.ts";
import { containerLabels } from "./labels.ts";

const MIB = 1024 * 1024;
/** The engine keeps this much of the output for us to fetch after an outage of the agent. */
const ENGINE_LOG_OPTIONS = { "max-size": "10m", "max-file": "2" };

export interface CreateContext {
  /** What the container is made from: the name, or a pinned id or digest. */
  readonly imageRef: string;
  /** Speed of one core, to turn `cpu_hard_limit` into a quota; MHz. */
  readonly cpuMhzPerCore: number;
}

/** Throws TaskStartError for a port label the group does not declare. */
export function createOptions(
  request: TaskStartRequest,
  config: DockerConfig,
  context: CreateContext,
): Docker.ContainerCreateOptions {
  const networkMode = effectiveNetworkMode(request, config);
  const published = publishedPorts(request, config, networkMode);
  const command = config.command === "" ? [...config.args] : [config.command, ...config.args];
  const options: Docker.ContainerCreateOptions = {
    name: taskKey(request.identity),
    Image: context.imageRef,
    Env: containerEnv(request.env),
    Labels: { ...config.labels, ...containerLabels(request.identity) },
    Hostname: config.hostname,
    User: request.task.user,
    WorkingDir: config.workDir,
    Tty: config.tty,
    OpenStdin: config.interactive,
    ExposedPorts: Object.fromEntries(published.map((p) => [p.containerPort, {}])),
    HostConfig: hostConfig(request, config, { networkMode, published, context }),
  };
  if (command.length > 0) options.Cmd = command;
  if (config.entrypoint !== null) options.Entrypoint = [...config.entrypoint];
  if (config.healthchecksDisabled) options.Healthcheck = { Test: ["NONE"] };
  if (config.macAddress !== "") Object.assign(options, { MacAddress: config.macAddress });
  const endpoint = endpointConfig(config);
  if (endpoint !== null) {
    options.NetworkingConfig = { EndpointsConfig: { [networkMode]: endpoint } };
  }
  return options;
}

/** The task's own setting wins; then the group's network; the engine's bridge otherwise. */
export function effectiveNetworkMode(request: TaskStartRequest, config: DockerConfig): string {
  if (config.networkMode !== "") return config.networkMode;
  if (request.networkMode === "none") return "none";
  return "bridge";
}

/** Port label → port inside the container, for those the configuration publishes. */
export function containerPorts(
  request: TaskStartRequest,
  config: DockerConfig,
): ReadonlyMap<string, number> {
  const result = new Map<string, number>();
  const groupBridge = config.networkMode === "" && request.networkMode === "bridge";
  const labels = groupBridge ? request.ports.map((port) => port.label) : config.ports;
  for (const label of labels) {
    const port = findPort(request.ports, label);
    result.set(label, port.to > 0 ? port.to : port.value);
  }
  for (const [label, inside] of Object.entries(config.portMap)) {
    findPort(request.ports, label);
    result.set(label, inside);
  }
  return result;
}

interface PublishedPort {
  /** `8080/tcp` */
  readonly containerPort: string;
  readonly hostIp: string;
  readonly hostPort: string;
}

function publishedPorts(
  request: TaskStartRequest,
  config: DockerConfig,
  networkMode: string,
): readonly PublishedPort[] {
  const inside = containerPorts(request, config);
  if (networkMode === "host" || networkMode === "none") return [];
  if (networkMode.startsWith("container:")) return [];
  return [...inside].flatMap(([label, port]) => {
    const mapping = findPort(request.ports, label);
    const host = { hostIp: mapping.hostIp, hostPort: String(mapping.value) };
    return ["tcp", "udp"].map((protocol) => ({ containerPort: `${port}/${protocol}`, ...host }));
  });
}

function findPort(ports: readonly PortMapping[], label: string): PortMapping {
  const port = ports.find((candidate) => candidate.label === label);
  if (port === undefined) {
    const text = `docker configuration: port "${label}" is not declared in the group's network`;
    throw new TaskStartError("invalid-config", text, { retryable: false });
  }
  return port;
}

function containerEnv(env: Readonly<Record<string, string>>): string[] {
  const inside = {
    ...env,
    NOMAD_ALLOC_DIR: "/alloc",
    NOMAD_TASK_DIR: "/local",
    NOMAD_SECRETS_DIR: "/secrets",
  };
  return Object.entries(inside).map(([name, value]) => `${name}=${value}`);
}

function hostConfig(
  request: TaskStartRequest,
  config: DockerConfig,
  parts: { networkMode: string; published: readonly PublishedPort[]; context: CreateContext },
): Docker.HostConfig {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const port of parts.published) {
    bindings[port.containerPort] ??= [];
    bindings[port.containerPort]?.push({ HostIp: port.hostIp, HostPort: port.hostPort });
  }
  return {
    ...resourceLimits(request, config, parts.context),
    ...isolation(config),
    NetworkMode: parts.networkMode,
    PortBindings: bindings,
    RestartPolicy: { Name: "no" },
    Binds: binds(request, config),
    Mounts: config.mounts.map(mountSettings),
    Tmpfs: Object.fromEntries(config.tmpfs.map(splitTmpfs)),
    Devices: config.devices.map((device) => ({
      PathOnHost: device.hostPath,
      PathInContainer: device.containerPath,
      CgroupPermissions: device.permissions,
    })),
    VolumeDriver: config.volumeDriver,
    ExtraHosts: [...config.extraHosts],
    Dns: [...config.dnsServers],
    DnsSearch: [...config.dnsSearchDomains],
    DnsOptions: [...config.dnsOptions],
    LogConfig: {
      Type: config.logging?.type || "json-file",
      Config: config.logging === null ? ENGINE_LOG_OPTIONS : { ...config.logging.options },
    },
  };
}

function resourceLimits(
  request: TaskStartRequest,
  config: DockerConfig,
  context: CreateContext,
): Docker.HostConfig {
  const hardMb = config.memoryHardLimitMb || request.memoryMaxMb;
  const memoryMb = hardMb > 0 ? hardMb : request.memoryMb;
  const limits: Docker.HostConfig = {
    CpuShares: Math.max(2, request.cpuShares),
    Memory: memoryMb * MIB,
    MemorySwap: memoryMb * MIB,
    ShmSize: config.shmBytes,
    Ulimits: Object.entries(config.ulimits).map(ulimit),
    OomScoreAdj: config.oomScoreAdj,
  };
  if (hardMb > 0) limits.MemoryReservation = request.memoryMb * MIB;
  if (config.pidsLimit > 0) limits.PidsLimit = config.pidsLimit;
  if (config.cpusetCpus !== "") limits.CpusetCpus = config.cpusetCpus;
  if (config.cpuHardLimit) {
    limits.CpuPeriod = config.cpuCfsPeriod;
    const cores = request.cpuShares / context.cpuMhzPerCore;
    limits.CpuQuota = Math.max(1000, Math.round(cores * config.cpuCfsPeriod));
  }
  return limits;
}

function isolation(config: DockerConfig): Docker.HostConfig {
  const settings: Docker.HostConfig = {
    CapAdd: [...config.capAdd],
    CapDrop: [...config.capDrop],
    Privileged: config.privileged,
    ReadonlyRootfs: config.readonlyRootfs,
    SecurityOpt: [...config.securityOpt],
    GroupAdd: [...config.groupAdd],
    IpcMode: config.ipcMode,
    PidMode: config.pidMode,
    UTSMode: config.utsMode,
    UsernsMode: config.usernsMode,
    Sysctls: { ...config.sysctl },
    StorageOpt: { ...config.storageOpt },
    Init: config.init,
  };
  if (config.runtime !== "") settings.Runtime = config.runtime;
  if (config.cgroupnsMode !== "") Object.assign(settings, { CgroupnsMode: config.cgroupnsMode });
  return settings;
}

/** The task's directories, then the user's volumes; a relative source lies in the task's directory. */
function binds(request: TaskStartRequest, config: DockerConfig): string[] {
  const own = [
    `${request.allocDir}:/alloc`,
    `${join(request.taskDir, "local")}:/local`,
    `${join(request.taskDir, "secrets")}:/secrets`,
  ];
  const users = config.volumes.map((volume) => {
    const [source = "", ...rest] = volume.split(":");
    const isPath = source.startsWith("/") || source.startsWith(".") || source.includes("/");
    const from = isPath ? resolve(request.taskDir, source) : source;
    return [from, ...rest].join(":");
  });
  return [...own, ...users];
}

function mountSettings(mount: DockerConfig["mounts"][number]): Docker.MountSettings {
  const settings: Docker.MountSettings = {
    Type: mount.type,
    Source: mount.source,
    Target: mount.target,
    ReadOnly: mount.readOnly,
  };
  if (mount.propagation !== "") {
    settings.BindOptions = { Propagation: mount.propagation as Docker.MountPropagation };
  }
  if (mount.type === "tmpfs") {
    settings.TmpfsOptions = { SizeBytes: mount.tmpfsBytes, Mode: mount.tmpfsMode };
  }
  return settings;
}

/** `/run:size=64m` → path and options. */
function splitTmpfs(text: string): [string, string] {
  const at = text.indexOf(":");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

/** `nofile = "2048:4096"` → soft and hard. */
function ulimit([name, text]: [string, string]): { Name: string; Soft: number; Hard: number } {
  const [soft = "", hard = soft] = text.split(":");
  const limit = { Name: name, Soft: Number(soft), Hard: Number(hard) };
  if (soft === "" || !Number.isInteger(limit.Soft) || !Number.isInteger(limit.Hard)) {
    const message = `docker configuration: field ulimit.${name} must be "soft:hard"`;
    throw new TaskStartError("invalid-config", message, { retryable: false });
  }
  return limit;
}

function endpointConfig(config: DockerConfig): Docker.EndpointSettings | null {
  const { ipv4Address, ipv6Address, networkAliases } = config;
  if (ipv4Address === "" && ipv6Address === "" && networkAliases.length === 0) return null;
  return {
    Aliases: [...networkAliases],
    IPAMConfig: { IPv4Address: ipv4Address, IPv6Address: ipv6Address },
  };
}
