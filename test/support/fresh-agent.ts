/**
 * A fresh agent at a fixed address, for replaying recorded scenarios: ends the one that was started
 * before, removes what it left, starts another and returns when its node is ready.
 *
 * usage: node test/support/fresh-agent.ts [start|stop] [HOST:PORT]
 * environment: DROVER_TEST_DOCKER, DROVER_TEST_CONSUL (host:port)
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { TestApi } from "./api.ts";
import { CONSUL, DOCKER } from "./real-parts.ts";
import { waitUntil } from "./wait.ts";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");
const STATE = join(ROOT, ".build", "fresh-agent");
const PID_FILE = join(STATE, "pid");
const DATA = join(STATE, "data");
const NODE_NAME = "gold";
const STOP_MS = 15_000;

const [action = "start", address = "127.0.0.1:4646"] = process.argv.slice(2);
await endPrevious();
if (action === "start") await start(address);

async function start(address: string): Promise<void> {
  const [host = "127.0.0.1", port = "4646"] = address.split(":");
  rmSync(STATE, { recursive: true, force: true });
  mkdirSync(DATA, { recursive: true });
  const log = openSync(join(STATE, "agent.log"), "a");
  const flags = [
    "-dev",
    "-node",
    NODE_NAME,
    "-bind",
    host,
    "-http-port",
    port,
    "-rpc-port",
    "4647",
  ];
  const consul = CONSUL === "" ? [] : ["-consul-address", CONSUL];
  const main = join(ROOT, "packages/cli/src/main.ts");
  const child = spawn(process.execPath, [main, "agent", ...flags, "-data-dir", DATA, ...consul], {
    detached: true,
    stdio: ["ignore", log, log],
    env: {
      ...process.env,
      NODE_COMPILE_CACHE: join(ROOT, ".build", "compile-cache"),
      ...(DOCKER === "" ? {} : { DOCKER_HOST: DOCKER }),
    },
  });
  child.unref();
  writeFileSync(PID_FILE, String(child.pid));
  const api = new TestApi(address);
  await waitUntil(
    () => api.get<{ Status: string }[]>("/v1/nodes"),
    (nodes) => nodes.some((node) => node.Status === "ready"),
    { timeoutMs: 30_000, what: "a ready node" },
  );
}

async function endPrevious(): Promise<void> {
  if (!existsSync(PID_FILE)) return;
  const pid = Number(readFileSync(PID_FILE, "utf8"));
  signal(pid, "SIGTERM");
  await waitUntil(
    async () => signal(pid, 0),
    (alive) => !alive,
    { timeoutMs: STOP_MS, what: "the end of the agent before" },
  ).catch(() => signal(pid, "SIGKILL"));
  removeContainers();
  rmSync(PID_FILE);
}

/** Whether the process was there. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

/** Tasks outlive their agent; those of this one have nobody left. */
function removeContainers(): void {
  const idFile = join(DATA, "raft", "id.json");
  if (DOCKER === "" || !existsSync(idFile)) return;
  const { clusterId } = JSON.parse(readFileSync(idFile, "utf8")) as { clusterId: string };
  const docker = (...args: string[]) =>
    spawnSync("docker", ["-H", DOCKER, ...args], { encoding: "utf8" }).stdout.split("\n");
  const filter = `label=io.drover.cluster=${clusterId}`;
  const ids = docker("ps", "-aq", "--filter", filter).filter((id) => id !== "");
  if (ids.length > 0) docker("rm", "-f", ...ids);
}
