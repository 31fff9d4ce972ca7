/** Docker engines of our own: own sockets, data and bridges, beside any other on the machine. */
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

export interface Engine {
  /** Of its pid file and its log. */
  readonly daemon: string;
  readonly home: string;
  readonly bridge: string;
  readonly bridgeAddress: string;
  readonly flags: readonly string[];
}

const ENGINE: Engine = {
  daemon: "dockerd",
  home: join(INFRA_DIR, "docker"),
  bridge: "drover-test0",
  bridgeAddress: "172.30.0.1/16",
  flags: [],
};

export const DOCKER_SOCKET = socketOf(ENGINE);
export const DOCKER_ENDPOINT = `unix://${DOCKER_SOCKET}`;

export function socketOf({ home }: Engine): string {
  return join(home, "docker.sock");
}

export async function startDocker(engine = ENGINE): Promise<void> {
  const { daemon, home, bridge, bridgeAddress, flags } = engine;
  const ping = () => answers(socketOf(engine));
  if (daemonPid(daemon) !== null && (await ping())) return;
  if (!isRoot()) throw new InfraError("a Docker engine needs root");
  if (!hasCommand("dockerd")) ensurePackages(["docker.io", "iptables", "iproute2"]);
  mkdirSync(home, { recursive: true });
  rmSync(socketOf(engine), { force: true });
  const config = join(home, "daemon.json");
  if (!existsSync(config)) writeFileSync(config, "{}\n");
  if (spawnSync("ip", ["link", "show", bridge]).status !== 0) {
    run("ip", ["link", "add", bridge, "type", "bridge"]);
    run("ip", ["addr", "add", bridgeAddress, "dev", bridge]);
    run("ip", ["link", "set", bridge, "up"]);
  }
  startDaemon(daemon, "dockerd", [
    ...["--config-file", config, "--host", `unix://${socketOf(engine)}`],
    ...["--data-root", join(home, "data"), "--exec-root", join(home, "exec")],
    ...["--pidfile", join(home, "dockerd.pid"), "--bridge", bridge],
    ...["--userland-proxy=false", "--log-level", "warn", "--shutdown-timeout", "5", ...flags],
  ]);
  await waitFor(ping, { timeoutMs: 40_000, what: `the Docker engine (see ${daemon}.log)` });
}

export async function stopDocker({ daemon, home } = ENGINE): Promise<void> {
  await stopDaemon(daemon);
  // A stopped engine leaves its namespace and data mounted.
  for (const path of [join(home, "exec/netns/default"), join(home, "data")]) {
    spawnSync("umount", ["-l", path]);
  }
}

async function answers(socketPath: string): Promise<boolean> {
  try {
    return (await dockerCall("GET", "/_ping", { socketPath })).status === 200;
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
