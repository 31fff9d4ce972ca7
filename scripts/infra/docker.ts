/** A Docker engine of our own: its own socket, data and bridge, beside any other on the machine. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { Readable } from "node:stream";
import { ensurePackages } from "./packages.ts";
import {
  daemonPid,
  hasCommand,
  INFRA_DIR,
  InfraError,
  isRoot,
  run,
  startDaemon,
  stopDaemon,
  waitFor,
} from "./run.ts";

const HOME = join(INFRA_DIR, "docker");
const BRIDGE = "drover-test0";
const BRIDGE_ADDRESS = "172.30.0.1/16";

export const DOCKER_SOCKET = join(HOME, "docker.sock");
export const DOCKER_ENDPOINT = `unix://${DOCKER_SOCKET}`;

export async function startDocker(): Promise<void> {
  if (daemonPid("dockerd") !== null && (await ping())) return;
  if (!isRoot()) throw new InfraError("a Docker engine needs root");
  if (!hasCommand("dockerd")) ensurePackages(["docker.io", "iptables", "iproute2"]);
  mkdirSync(HOME, { recursive: true });
  rmSync(DOCKER_SOCKET, { force: true });
  const config = join(HOME, "daemon.json");
  if (!existsSync(config)) writeFileSync(config, "{}\n");
  if (spawnSync("ip", ["link", "show", BRIDGE]).status !== 0) {
    run("ip", ["link", "add", BRIDGE, "type", "bridge"]);
    run("ip", ["addr", "add", BRIDGE_ADDRESS, "dev", BRIDGE]);
    run("ip", ["link", "set", BRIDGE, "up"]);
  }
  startDaemon("dockerd", "dockerd", [
    ...["--config-file", config, "--host", DOCKER_ENDPOINT],
    ...["--data-root", join(HOME, "data"), "--exec-root", join(HOME, "exec")],
    ...["--pidfile", join(HOME, "dockerd.pid"), "--bridge", BRIDGE],
    ...["--userland-proxy=false", "--log-level", "warn", "--shutdown-timeout", "5"],
  ]);
  await waitFor(ping, { timeoutMs: 40_000, what: "the Docker engine (see dockerd.log)" });
}

export async function stopDocker(): Promise<void> {
  await stopDaemon("dockerd");
  // A stopped engine leaves its namespace and data mounted.
  for (const path of [join(HOME, "exec/netns/default"), join(HOME, "data")]) {
    spawnSync("umount", ["-l", path]);
  }
}

async function ping(): Promise<boolean> {
  try {
    return (await dockerCall("GET", "/_ping")).status === 200;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ECONNREFUSED") return false;
    throw error;
  }
}

export function dockerCall(
  method: string,
  path: string,
  options: { readonly body?: Buffer | Readable; readonly socketPath?: string } = {},
): Promise<{ status: number; text: string }> {
  const { body, socketPath = DOCKER_SOCKET } = options;
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { "Content-Type": "application/x-tar" };
    const call = request({ socketPath, method, path, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        resolve({ status: response.statusCode ?? 0, text });
      });
    });
    call.on("error", reject);
    if (body instanceof Readable) body.pipe(call);
    else call.end(body);
  });
}
