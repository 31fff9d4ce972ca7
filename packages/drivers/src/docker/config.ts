/** The docker driver's `config` block, checked and typed. */
import { ConfigReader, type DriverConfig } from "../config-reader.ts";

interface DockerMount {
  readonly type: "bind" | "volume" | "tmpfs";
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  readonly propagation: string;
  readonly tmpfsBytes: number;
  readonly tmpfsMode: number;
}

interface DockerAuth {
  readonly username: string;
  readonly password: string;
  readonly email: string;
  readonly serverAddress: string;
}

interface DockerDevice {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly permissions: string;
}

export interface DockerConfig {
  readonly image: string;
  readonly forcePull: boolean;
  readonly imagePullTimeoutMs: number;
  readonly auth: DockerAuth | null;
  readonly authSoftFail: boolean;
  readonly command: string;
  readonly args: readonly string[];
  /** null = the image's own. */
  readonly entrypoint: readonly string[] | null;
  readonly workDir: string;
  readonly networkMode: string;
  readonly networkAliases: readonly string[];
  readonly ipv4Address: string;
  readonly ipv6Address: string;
  readonly macAddress: string;
  readonly ports: readonly string[];
  /** Port label → port in the container; the older form of `ports`. */
  readonly portMap: Readonly<Record<string, number>>;
  readonly volumes: readonly string[];
  readonly volumeDriver: string;
  readonly mounts: readonly DockerMount[];
  readonly tmpfs: readonly string[];
  readonly devices: readonly DockerDevice[];
  readonly extraHosts: readonly string[];
  readonly dnsServers: readonly string[];
  readonly dnsSearchDomains: readonly string[];
  readonly dnsOptions: readonly string[];
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  readonly privileged: boolean;
  readonly hostname: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ulimits: Readonly<Record<string, string>>;
  readonly sysctl: Readonly<Record<string, string>>;
  readonly storageOpt: Readonly<Record<string, string>>;
  readonly securityOpt: readonly string[];
  readonly groupAdd: readonly string[];
  readonly readonlyRootfs: boolean;
  readonly init: boolean;
  readonly tty: boolean;
  readonly interactive: boolean;
  readonly ipcMode: string;
  readonly pidMode: string;
  readonly utsMode: string;
  readonly usernsMode: string;
  readonly cgroupnsMode: string;
  readonly runtime: string;
  readonly shmBytes: number;
  readonly pidsLimit: number;
  readonly oomScoreAdj: number;
  readonly cpuHardLimit: boolean;
  readonly cpuCfsPeriod: number;
  readonly cpusetCpus: string;
  readonly memoryHardLimitMb: number;
  readonly advertiseIpv6: boolean;
  readonly healthchecksDisabled: boolean;
  /** null = the driver's default. */
  readonly logging: {
    readonly type: string;
    readonly options: Readonly<Record<string, string>>;
  } | null;
}

const KNOWN = new Set(
  `advertise_ipv6_address args auth auth_soft_fail cap_add cap_drop cgroupns command
  container_exists_attempts cpu_cfs_period cpu_hard_limit cpuset_cpus devices dns_options
  dns_search_domains dns_servers entrypoint extra_hosts force_pull group_add healthchecks hostname
  image image_pull_timeout init interactive ipc_mode ipv4_address ipv6_address isolation labels
  logging mac_address memory_hard_limit mount mounts network_aliases network_mode oom_score_adj
  pid_mode pids_limit port_map ports privileged readonly_rootfs runtime security_opt shm_size
  storage_opt sysctl tmpfs tty ulimit userns_mode uts_mode volume_driver volumes work_dir`.split(
    /\s+/,
  ),
);

/** The engine knows the full grammar; this much keeps a reference from breaking a request. */
const IMAGE_CHARACTERS = /^[\w.\-/:@]+$/;
const PULL_TIMEOUT_MS = 5 * 60_000;

/** Throws TaskStartError (not retryable) that names the field. */
export function parseDockerConfig(config: DriverConfig): DockerConfig {
  const r = new ConfigReader("docker", config, KNOWN);
  return {
    ...imagePart(r),
    ...processPart(r),
    ...networkPart(r),
    ...storagePart(r),
    ...limitsPart(r),
  };
}

function imagePart(r: ConfigReader) {
  const image = r.requiredText("image").replace(/^(docker|https?):\/\//, "");
  if (!IMAGE_CHARACTERS.test(image)) throw r.invalid(`"${image}" is no image reference`);
  return {
    image,
    forcePull: r.bool("force_pull"),
    imagePullTimeoutMs: r.durationMs("image_pull_timeout", PULL_TIMEOUT_MS),
    auth: authPart(r),
    authSoftFail: r.bool("auth_soft_fail"),
  };
}

function processPart(r: ConfigReader) {
  const entrypoint = r.texts("entrypoint");
  return {
    command: r.text("command"),
    args: r.texts("args"),
    entrypoint: entrypoint.length === 0 ? null : entrypoint,
    workDir: r.text("work_dir"),
    labels: r.textMap("labels"),
    hostname: r.text("hostname"),
    init: r.bool("init"),
    tty: r.bool("tty"),
    interactive: r.bool("interactive"),
    healthchecksDisabled: r.blocks("healthchecks").some((block) => block.disable === true),
    logging: loggingPart(r),
    runtime: r.text("runtime"),
  };
}

function networkPart(r: ConfigReader) {
  const portMap = Object.entries(r.textMap("port_map")).map(([label, port]) => {
    const number = Number(port);
    if (!Number.isInteger(number)) throw r.invalid(`field port_map.${label} must be a port number`);
    return [label, number] as const;
  });
  return {
    networkMode: r.text("network_mode"),
    networkAliases: r.texts("network_aliases"),
    ipv4Address: r.text("ipv4_address"),
    ipv6Address: r.text("ipv6_address"),
    macAddress: r.text("mac_address"),
    ports: r.texts("ports"),
    portMap: Object.fromEntries(portMap),
    extraHosts: r.texts("extra_hosts"),
    dnsServers: r.texts("dns_servers"),
    dnsSearchDomains: r.texts("dns_search_domains"),
    dnsOptions: r.texts("dns_options"),
    advertiseIpv6: r.bool("advertise_ipv6_address"),
  };
}

function storagePart(r: ConfigReader) {
  return {
    volumes: r.texts("volumes"),
    volumeDriver: r.text("volume_driver"),
    mounts: [...r.blocks("mount"), ...r.blocks("mounts")].map((block) => mountPart(r, block)),
    tmpfs: r.texts("tmpfs"),
    devices: r.blocks("devices").map((block) => devicePart(r, block)),
    readonlyRootfs: r.bool("readonly_rootfs"),
    storageOpt: r.textMap("storage_opt"),
    shmBytes: r.int("shm_size"),
  };
}

function limitsPart(r: ConfigReader) {
  return {
    capAdd: r.texts("cap_add"),
    capDrop: r.texts("cap_drop"),
    privileged: r.bool("privileged"),
    ulimits: r.textMap("ulimit"),
    sysctl: r.textMap("sysctl"),
    securityOpt: r.texts("security_opt"),
    groupAdd: r.texts("group_add"),
    ipcMode: r.text("ipc_mode"),
    pidMode: r.text("pid_mode"),
    utsMode: r.text("uts_mode"),
    usernsMode: r.text("userns_mode"),
    cgroupnsMode: r.text("cgroupns"),
    pidsLimit: r.int("pids_limit"),
    oomScoreAdj: r.int("oom_score_adj"),
    cpuHardLimit: r.bool("cpu_hard_limit"),
    cpuCfsPeriod: r.int("cpu_cfs_period", 100_000),
    cpusetCpus: r.text("cpuset_cpus"),
    memoryHardLimitMb: r.int("memory_hard_limit"),
  };
}

function authPart(r: ConfigReader): DockerAuth | null {
  const block = r.blocks("auth").at(-1);
  if (block === undefined) return null;
  const a = r.nested("auth", block, new Set(["username", "password", "email", "server_address"]));
  return {
    username: a.text("username"),
    password: a.text("password"),
    email: a.text("email"),
    serverAddress: a.text("server_address"),
  };
}

function loggingPart(r: ConfigReader): DockerConfig["logging"] {
  const block = r.blocks("logging").at(-1);
  if (block === undefined) return null;
  const l = r.nested("logging", block, new Set(["type", "driver", "config"]));
  return { type: l.text("type") || l.text("driver"), options: l.textMap("config") };
}

const MOUNT_TYPES = new Set(["bind", "volume", "tmpfs"]);

function mountPart(r: ConfigReader, block: DriverConfig): DockerMount {
  const known = "type source target readonly bind_options volume_options tmpfs_options".split(" ");
  const m = r.nested("mount", block, new Set(known));
  const type = m.text("type", "volume");
  if (!MOUNT_TYPES.has(type)) throw r.invalid(`field mount.type must be bind, volume or tmpfs`);
  const bind = m.blocks("bind_options").at(-1) ?? {};
  const tmpfs = m.blocks("tmpfs_options").at(-1) ?? {};
  const t = m.nested("tmpfs_options", tmpfs, new Set(["size", "mode"]));
  return {
    type: type as DockerMount["type"],
    source: m.text("source"),
    target: m.requiredText("target"),
    readOnly: m.bool("readonly"),
    propagation: m.nested("bind_options", bind, new Set(["propagation"])).text("propagation"),
    tmpfsBytes: t.int("size"),
    tmpfsMode: t.int("mode"),
  };
}

function devicePart(r: ConfigReader, block: DriverConfig): DockerDevice {
  const known = new Set(["host_path", "container_path", "cgroup_permissions"]);
  const d = r.nested("devices", block, known);
  const hostPath = d.requiredText("host_path");
  return {
    hostPath,
    containerPath: d.text("container_path") || hostPath,
    permissions: d.text("cgroup_permissions", "rwm"),
  };
}
