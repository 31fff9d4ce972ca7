/**
 * Real agents on loopback: each test gets addresses of its own in 127.0.0.0/8, so that many can run
 * side by side on the usual ports. Processes are stopped by their id.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  createWriteStream,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { TestApi } from "./api.ts";
import { CONSUL, DOCKER } from "./real-parts.ts";
import { waitUntil } from "./wait.ts";

const PROGRAM = join(dirname(fileURLToPath(import.meta.url)), "../../packages/cli/bin/drover");

export interface ClusterOptions {
  readonly agents: number;
  /** So many of the agents, the last ones, are outside Raft. */
  readonly clientsOnly?: number;
  /** The servers run no allocations. */
  readonly serversOnly?: boolean;
  readonly docker?: boolean;
  readonly consul?: boolean;
  /** Where the agents find Consul; the real agent when left out. */
  readonly consulAddress?: string;
  /** More HCL for every agent's configuration. */
  readonly extra?: string;
  /** More HCL for the agents outside Raft. */
  readonly clientExtra?: string;
  /** "default": heartbeats, graces and log level as a user gets them. */
  readonly timings?: "short" | "default";
  /** Of short timings; "1s" when left out. */
  readonly minHeartbeatTtl?: string;
  /** Where the agents find Docker; the real engine when left out. */
  readonly dockerEndpoint?: string | ((agent: number) => string);
  /** Command that starts the program; from source when left out. */
  readonly program?: readonly string[];
  /** On 127.0.0.1 itself, where others answer for its tasks, with ports that are free. */
  readonly shareLocalhost?: boolean;
}

export interface TestAgent {
  readonly name: string;
  readonly host: string;
  readonly api: TestApi;
  readonly dir: string;
  process: ChildProcess | null;
}

export class TestCluster {
  readonly agents: readonly TestAgent[];
  readonly #dir: string;
  readonly #program: readonly string[];

  private constructor(agents: readonly TestAgent[], dir: string, program: readonly string[]) {
    this.agents = agents;
    this.#dir = dir;
    this.#program = program;
  }

  static async start(options: ClusterOptions): Promise<TestCluster> {
    const dir = mkdtempSync(join(tmpdir(), "drover-test-"));
    const net = `127.${10 + (process.pid % 200)}.${Math.floor(Math.random() * 250) + 1}`;
    const ports = options.shareLocalhost ? await freePorts() : { http: 4646, rpc: 4647 };
    const agents = Array.from({ length: options.agents }, (_, i): TestAgent => {
      const host = options.shareLocalhost ? "127.0.0.1" : `${net}.${i + 1}`;
      const name = `n${i + 1}`;
      const home = join(dir, name);
      mkdirSync(home);
      const server = i < options.agents - (options.clientsOnly ?? 0);
      const joins = options.shareLocalhost ? [] : joinsOf(net, options);
      const { dockerEndpoint: engine = DOCKER } = options;
      const docker = typeof engine === "string" ? engine : engine(i);
      const text = configOf({ name, host, ports, home, server, joins, docker }, options);
      writeFileSync(join(dir, `${name}.hcl`), text);
      return { name, host, api: new TestApi(`${host}:${ports.http}`), dir: home, process: null };
    });
    const cluster = new TestCluster(agents, dir, options.program ?? [PROGRAM]);
    for (const agent of agents) cluster.boot(agent);
    try {
      const servers = options.agents - (options.clientsOnly ?? 0);
      await cluster.ready(options.agents - (options.serversOnly ? servers : 0));
    } catch (error) {
      const logs = agents.map((agent) => cluster.log(agent)).join("\n");
      await cluster.stop();
      throw new Error(`the cluster did not come up:\n${logs}`, { cause: error });
    }
    return cluster;
  }

  boot(agent: TestAgent): void {
    const out = createWriteStream(join(this.#dir, `${agent.name}.log`), { flags: "a" });
    const [command = process.execPath, ...args] = this.#program;
    const child = spawn(
      command,
      [...args, "agent", "-config", join(this.#dir, `${agent.name}.hcl`)],
      { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, DOCKER_HOST: DOCKER } },
    );
    child.stdout?.pipe(out, { end: false });
    child.stderr?.pipe(out, { end: false });
    agent.process = child;
  }

  log(agent: TestAgent): string {
    return readFileSync(join(this.#dir, `${agent.name}.log`), "utf8");
  }

  /** SIGKILL, and the wait until it is gone. */
  async kill(agent: TestAgent): Promise<void> {
    await this.#end(agent, "SIGKILL");
  }

  async terminate(agent: TestAgent): Promise<void> {
    await this.#end(agent, "SIGTERM");
  }

  async #end(agent: TestAgent, signal: NodeJS.Signals): Promise<void> {
    const child = agent.process;
    agent.process = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await ended;
  }

  get alive(): readonly TestAgent[] {
    return this.agents.filter((agent) => agent.process !== null);
  }

  /** A leader is known to every living agent, and so many nodes are ready. */
  async ready(nodes: number): Promise<void> {
    for (const agent of this.alive) {
      await waitUntil(
        () => agent.api.get<{ Status: string }[]>("/v1/nodes"),
        (list) => list.filter((node) => node.Status === "ready").length >= nodes,
        { timeoutMs: 60_000, what: `${nodes} ready nodes as ${agent.name} sees it` },
      );
    }
  }

  async leader(): Promise<TestAgent> {
    return (await waitUntil(
      async () => {
        const asked = await Promise.all(
          this.alive.map((agent) => agent.api.get<string>("/v1/status/leader").catch(String)),
        );
        return this.alive.find((agent) => asked.every((a) => a === `${agent.host}:4647`));
      },
      (agent) => agent !== undefined,
      { timeoutMs: 15_000, what: "one leader that all agree on" },
    )) as TestAgent;
  }

  async clusterId(): Promise<string> {
    const file = join(this.agents[0]?.dir ?? "", "raft", "id.json");
    return (JSON.parse(readFileSync(file, "utf8")) as { clusterId: string }).clusterId;
  }

  async stop(): Promise<void> {
    await Promise.all(this.agents.map((agent) => this.kill(agent)));
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

interface Ports {
  readonly http: number;
  readonly rpc: number;
}

interface AgentFile {
  readonly name: string;
  readonly host: string;
  readonly ports: Ports;
  readonly home: string;
  readonly server: boolean;
  readonly joins: readonly string[];
  readonly docker: string;
}

/** Two that nobody listens on now. */
async function freePorts(): Promise<Ports> {
  const probes = [createServer(), createServer()];
  const numbers: number[] = [];
  for (const probe of probes) {
    probe.listen(0, "127.0.0.1");
    await once(probe, "listening");
    const address = probe.address();
    if (address !== null && typeof address === "object") numbers.push(address.port);
  }
  for (const probe of probes) probe.close();
  const [http = 0, rpc = 0] = numbers;
  return { http, rpc };
}

/** A machine outside Raft knows every server, so that it can lose one. */
function joinsOf(net: string, { agents, clientsOnly = 0 }: ClusterOptions): string[] {
  if (clientsOnly === 0) return [`${net}.1`];
  return Array.from({ length: agents - clientsOnly }, (_, i) => `${net}.${i + 1}`);
}

function configOf(file: AgentFile, options: ClusterOptions): string {
  const { docker, name, host, ports, home, joins, server } = file;
  return `
name      = "${name}"
data_dir  = "${home}"
bind_addr = "${host}"
ports {
  http = ${ports.http}
  rpc  = ${ports.rpc}
}
${timingsOf(options, server)}
server_join { retry_join = ${JSON.stringify(joins)} }
${options.consul ? `consul { address = "${options.consulAddress ?? CONSUL}" }` : ""}
plugin "docker" {
  config {
    enabled  = ${options.docker === true}
    endpoint = "${docker}"
  }
}
plugin "raw_exec" {
  config { enabled = true }
}
plugin "mock_driver" {
  config { enabled = true }
}
${options.extra ?? ""}
${(server ? "" : options.clientExtra) ?? ""}
`;
}

function timingsOf(options: ClusterOptions, isServer: boolean): string {
  const servers = options.agents - (options.clientsOnly ?? 0);
  if (options.timings === "default") {
    const client = options.serversOnly ? "client { enabled = false }" : "";
    return isServer
      ? `server { bootstrap_expect = ${servers} }\n${client}`
      : "server { enabled = false }";
  }
  if (!isServer) return 'log_level = "debug"\nserver { enabled = false }';
  return `log_level = "debug"
server {
  bootstrap_expect  = ${servers}
  heartbeat_grace   = "1s"
  min_heartbeat_ttl = "${options.minHeartbeatTtl ?? "1s"}"
}
client {
  enabled        = true
  consumer_grace = "0s"
}`;
}
