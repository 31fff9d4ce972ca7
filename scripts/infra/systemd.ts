/** Machines with systemd, as containers of the tests' engine: to install packages and run units. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mirror, release } from "./apt-sources.ts";
import { DOCKER_ENDPOINT, dockerCall } from "./docker.ts";
import { ensurePackages } from "./packages.ts";
import { INFRA_DIR, InfraError, run, waitFor } from "./run.ts";

const IMAGE = "drover-systemd:test";
const ROOT_FOLDER = join(INFRA_DIR, "systemd-root");
const PACKAGES =
  "systemd,systemd-sysv,dbus,iproute2,curl,ca-certificates,procps,kmod,adduser,libstdc++6";

/** Units that have no business in a container. */
const MASKED = [
  ...["systemd-remount-fs.service", "systemd-logind.service", "getty.target"],
  ...["console-getty.service", "systemd-udevd.service", "systemd-udev-trigger.service"],
  ...["systemd-modules-load.service", "dev-hugepages.mount", "sys-fs-fuse-connections.mount"],
  ...["sys-kernel-debug.mount", "sys-kernel-tracing.mount", "sys-kernel-config.mount"],
  ...["systemd-resolved.service", "systemd-networkd.service", "systemd-timesyncd.service"],
  ...["e2scrub_reap.service", "apt-daily.timer", "apt-daily-upgrade.timer"],
];

/**
 * All capabilities but one: where the engine's own bounding set lacks it, `--privileged` fails.
 * The machine's control groups are shared, else limits of units would not hold.
 */
const CONTAINER_OPTIONS = [
  ...["--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE", "--cgroupns=host"],
  ...["--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"],
  ...["--security-opt", "systempaths=unconfined", "-v", "/sys/fs/cgroup:/sys/fs/cgroup:rw"],
  ...["--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp"],
  ...["--stop-signal", "SIGRTMIN+3"],
];

export class SystemdHost {
  readonly name: string;
  readonly address: string;

  private constructor(name: string, address: string) {
    this.name = name;
    this.address = address;
  }

  /** Boots a machine; `mount` is a folder of ours that it sees read-only as /mnt. */
  static async boot(options: {
    readonly name: string;
    readonly network: string;
    readonly address: string;
    readonly mount: string;
  }): Promise<SystemdHost> {
    const { name, network, address, mount } = options;
    const host = new SystemdHost(name, address);
    docker([
      ...["run", "-d", "--name", name, "--hostname", name, "--network", network, "--ip", address],
      ...CONTAINER_OPTIONS,
      ...["-v", `${mount}:/mnt:ro`, IMAGE, "/lib/systemd/systemd"],
    ]);
    const isUp = () => ["running", "degraded"].includes(host.state());
    await waitFor(isUp, { timeoutMs: 30_000, what: `${name} to boot` });
    return host;
  }

  /** Output of a command on this machine; throws with what it said when it fails. */
  run(...command: readonly string[]): string {
    return docker(["exec", this.name, ...command]);
  }

  write(path: string, text: string): void {
    const script = 'mkdir -p "$(dirname "$1")" && printf %s "$2" > "$1"';
    this.run("sh", "-c", script, "sh", path, text);
  }

  remove(): void {
    docker(["rm", "-f", this.name]);
  }

  private state(): string {
    // `is-system-running` fails for every state but `running`.
    return this.run("sh", "-c", "systemctl is-system-running || true").trim();
  }
}

export async function withNetwork(
  options: { readonly name: string; readonly subnet: string },
  use: () => Promise<void>,
): Promise<void> {
  docker(["network", "create", "--subnet", options.subnet, options.name]);
  try {
    await use();
  } finally {
    docker(["network", "rm", options.name]);
  }
}

/** Builds the image when it is not there: about a minute, from the machine's own package source. */
export async function ensureSystemdImage(): Promise<void> {
  if ((await dockerCall("GET", `/images/${IMAGE}/json`)).status === 200) return;
  ensurePackages(["debootstrap"]);
  rmSync(ROOT_FOLDER, { recursive: true, force: true });
  mkdirSync(ROOT_FOLDER, { recursive: true });
  const { codename } = release();
  const options = ["--variant=minbase", `--include=${PACKAGES}`];
  run("debootstrap", [...options, codename, ROOT_FOLDER, mirror()]);
  for (const folder of ["var/cache/apt/archives", "var/lib/apt/lists"]) {
    rmSync(join(ROOT_FOLDER, folder), { recursive: true, force: true });
    mkdirSync(join(ROOT_FOLDER, folder, "partial"), { recursive: true });
  }
  const units = join(ROOT_FOLDER, "etc/systemd/system");
  for (const unit of MASKED) {
    if (!existsSync(join(units, unit))) symlinkSync("/dev/null", join(units, unit));
  }
  rmSync(join(units, "default.target"), { force: true });
  symlinkSync("/lib/systemd/system/multi-user.target", join(units, "default.target"));
  writeFileSync(join(ROOT_FOLDER, "etc/machine-id"), "");
  await importRoot();
  rmSync(ROOT_FOLDER, { recursive: true, force: true });
}

async function importRoot(): Promise<void> {
  const tar = spawn("tar", ["-C", ROOT_FOLDER, "--one-file-system", "-c", "."], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [repo = "", tag = ""] = IMAGE.split(":");
  const query = new URLSearchParams({ fromSrc: "-", repo, tag, changes: "ENV container=docker" });
  const made = await dockerCall("POST", `/images/create?${query}`, { body: tar.stdout });
  if (made.status !== 200) throw new InfraError(`image ${IMAGE}: ${made.text}`);
}

function docker(args: readonly string[]): string {
  return run("docker", ["-H", DOCKER_ENDPOINT, ...args]);
}
