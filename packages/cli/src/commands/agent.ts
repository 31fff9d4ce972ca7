/** `drover agent`: runs this machine's agent until it is told to stop. */
import { readFile, stat } from "node:fs/promises";
import { flushCompileCache } from "node:module";
import type { AgentConfig, ConfigLayer } from "@drover/agent";
import { errorText } from "@drover/base";
import { type Command, type CommandContext, CommandError, type FlagSpec } from "../command.ts";
import { singleFileDeps } from "../single-file-deps.ts";

const FLAGS: readonly FlagSpec[] = [
  { name: "dev", kind: "bool", help: "One agent for trying out: nothing is kept." },
  { name: "config", kind: "list", help: "Configuration file or directory; may be repeated." },
  { name: "data-dir", kind: "string", help: "Where the agent keeps its state." },
  { name: "bind", kind: "string", help: "Address to listen on. Default: 127.0.0.1." },
  { name: "http-port", kind: "string", help: "Port of the HTTP API." },
  { name: "rpc-port", kind: "string", help: "Port of node-to-node traffic." },
  { name: "advertise", kind: "string", help: "Address that other machines reach this one at." },
  { name: "node", kind: "string", help: "Name of this node." },
  { name: "dc", kind: "string", help: "Datacenter." },
  { name: "region", kind: "string", help: "Region." },
  { name: "server", kind: "bool", help: "Run a server." },
  { name: "client", kind: "bool", help: "Run a client." },
  { name: "bootstrap-expect", kind: "string", help: "Servers that form the cluster together." },
  { name: "join", kind: "list", help: "Agent to join through, host[:port]; may be repeated." },
  { name: "servers", kind: "list", help: "As -join, for a client without a server." },
  {
    name: "consul-address",
    kind: "string",
    help: "Consul agent of this machine, host:port. Default: none.",
  },
  { name: "node-class", kind: "string", help: "Class of this node." },
  { name: "node-pool", kind: "string", help: "Pool of this node." },
  { name: "meta", kind: "list", help: "key=value of this node; may be repeated." },
  { name: "network-interface", kind: "string", help: "Interface that tasks use." },
  { name: "log-level", kind: "string", help: "debug, info, warn or error." },
  { name: "log-json", kind: "bool", help: "Log as JSON." },
];

export const agentCommand: Command = {
  usage: "agent [options]",
  summary: "Runs an agent: server, client, or both",
  description:
    "Runs this machine's agent. Every machine runs the same agent; servers keep the\n" +
    "cluster's state together, clients run tasks, and any agent's API answers for all.",
  flags: FLAGS,
  args: { min: 0, max: 0, message: "This command takes no arguments" },
  local: true,
  async run(context) {
    const agent = await import("@drover/agent");
    const config = await readConfig(context, agent);
    const problems = agent.configProblems(config);
    if (problems.length > 0) throw new CommandError(problems.join("\n"));
    const log = agent.createLogger({ level: config.logLevel, json: config.logJson });
    warnIfOpen(config, log);
    return await runUntilSignal(agent, config, log);
  },
};

type AgentModule = typeof import("@drover/agent");

async function readConfig(context: CommandContext, agent: AgentModule): Promise<AgentConfig> {
  const { flags } = context;
  let config = flags.bool("dev") ? agent.devConfig() : agent.defaultConfig();
  for (const path of flags.list("config")) {
    for (const file of await configFiles(path)) {
      const text = await readText(file);
      const parsed = agent.parseConfigFile(text, file);
      if (!parsed.ok) throw new CommandError(parsed.message);
      config = agent.mergeConfig(config, parsed.layer);
    }
  }
  return agent.mergeConfig(config, flagLayer(context, config));
}

async function configFiles(path: string): Promise<string[]> {
  const info = await stat(path).catch((error: unknown) => {
    throw new CommandError(`Error loading configuration from ${path}: ${errorText(error)}`);
  });
  if (!info.isDirectory()) return [path];
  const { readdir } = await import("node:fs/promises");
  const names = (await readdir(path)).filter((name) => /\.hcl$/.test(name)).sort();
  return names.map((name) => `${path.replace(/\/$/, "")}/${name}`);
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new CommandError(`Error loading configuration from ${path}: ${errorText(error)}`);
  }
}

function flagLayer({ flags }: CommandContext, config: AgentConfig): ConfigLayer {
  const text = (name: string) => (flags.has(name) ? flags.string(name) : undefined);
  const port = (name: string) => (flags.has(name) ? portOf(name, flags.string(name)) : undefined);
  const consul = text("consul-address");
  const expect = flags.has("bootstrap-expect")
    ? countOf("bootstrap-expect", flags.string("bootstrap-expect"))
    : undefined;
  const roles = flags.has("server") || flags.has("client");
  return defined({
    name: text("node"),
    region: text("region"),
    datacenter: text("dc"),
    dataDir: text("data-dir"),
    bindAddr: text("bind"),
    logLevel: text("log-level")?.toLowerCase(),
    logJson: flags.has("log-json") ? flags.bool("log-json") : undefined,
    ports: defined({ http: port("http-port"), rpc: port("rpc-port") }),
    advertise: defined({ http: text("advertise"), rpc: text("advertise") }),
    server: defined({
      enabled: roles ? flags.bool("server") : undefined,
      bootstrapExpect: expect,
    }),
    client: defined({
      enabled: roles ? flags.bool("client") : undefined,
      nodeClass: text("node-class"),
      nodePool: text("node-pool"),
      networkInterface: text("network-interface"),
      meta: flags.has("meta")
        ? { ...config.client.meta, ...pairsOf(flags.list("meta")) }
        : undefined,
    }),
    consul:
      consul === undefined ? undefined : consul === "" ? null : { address: consul, token: "" },
    join: [...flags.list("join"), ...flags.list("servers")],
  }) as ConfigLayer;
}

function defined<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Partial<T>;
}

function portOf(flag: string, text: string): number {
  const port = countOf(flag, text);
  if (port > 65_535) throw new CommandError(`invalid value "${text}" for -${flag}: not a port`);
  return port;
}

function countOf(flag: string, text: string): number {
  if (!/^\d+$/.test(text)) {
    throw new CommandError(`invalid value "${text}" for -${flag}: a number is expected`);
  }
  return Number(text);
}

function pairsOf(list: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    list.map((pair) => {
      const equals = pair.indexOf("=");
      if (equals < 1) throw new CommandError(`invalid value "${pair}" for -meta: want key=value`);
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
}

/** Node-to-node traffic is not authenticated yet: who reaches the port belongs to the cluster. */
function warnIfOpen(config: AgentConfig, log: ReturnType<AgentModule["createLogger"]>): void {
  if (/^(127\.|::1$|localhost$)/.test(config.bindAddr)) return;
  log(
    "warn",
    `listening on ${config.bindAddr} without authentication: whoever can reach the ports controls ` +
      "this machine; keep them behind a firewall",
  );
}

/** For the last lines of the log to be written. */
const LAST_MS = 1_000;

async function runUntilSignal(
  agent: AgentModule,
  config: AgentConfig,
  log: ReturnType<AgentModule["createLogger"]>,
): Promise<number> {
  let fail: (error: Error) => void = () => undefined;
  const failed = new Promise<Error>((resolve) => {
    fail = resolve;
  });
  // A promise nobody waited for or an error nobody expected: what comes after it is not to be
  // trusted. The tasks go on, and the next start of the agent takes them over.
  process.on("uncaughtException", (error) => fail(error));
  process.on("unhandledRejection", (reason) =>
    fail(reason instanceof Error ? reason : new Error(String(reason))),
  );
  // From now on: a signal while it starts, or in the moment after, must not end it half way.
  const asked = signalled();
  const starting = agent.startAgent(config, {
    ...singleFileDeps(),
    log,
    onFatal: (error) => fail(error),
  });
  const started = await Promise.race([starting, failed]);
  if (started instanceof Error) return endNow(log, started);
  const running = started;
  log("info", "agent started", { http: running.httpAddress, rpc: running.rpcAddress });
  await agent.notifyReady();
  // Whatever ends this process, its next start finds the sources stripped and compiled.
  flushCompileCache();
  if (config.realtime) await agent.takePriority(log);
  agent.collectWhenQuiet();
  const ended = await Promise.race([asked, failed]);
  if (ended instanceof Error) return endNow(log, ended);
  log("info", "stopping", { signal: ended });
  await agent.notifyStopping();
  const stopped = await Promise.race([running.stop(), failed]);
  if (stopped instanceof Error) return endNow(log, stopped);
  // Whatever a part has left open would keep the process; it has had its time.
  setTimeout(() => process.exit(), LAST_MS).unref();
  return 0;
}

/** Nothing is put in order: sockets and threads that are still open must not keep the process. */
function endNow(log: ReturnType<AgentModule["createLogger"]>, error: Error): never {
  log("error", "the agent cannot go on", { error: error.stack ?? error.message });
  process.exit(1);
}

function signalled(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.once(signal, () => resolve(signal));
    }
  });
}
