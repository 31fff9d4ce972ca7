/**
 * The cluster on which a timeline with several nodes is played, and the hook by which its steps
 * reach the agents. Every agent is server and client at once, so a verb that names either takes
 * both: who kills the leader kills a machine, which comes back as its supervisor would bring it.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { type ClusterOptions, type TestAgent, TestCluster } from "./cluster.ts";
import { waitUntil } from "./wait.ts";

const NODES = 3;
/** As the recordings were made: a dead node is noticed after 3 to 4 s. */
const MIN_HEARTBEAT_TTL = "2s";
/** For agents that come back, also on a busy machine before their node is taken for dead. */
const PATIENT_TTL = "15s";

interface NodeDoc {
  readonly Name: string;
  readonly Status: string;
  readonly SchedulingEligibility: string;
  readonly Drain: boolean;
}

export class TimelineHost {
  readonly cluster: TestCluster;
  /** Slow to take a node for dead. */
  readonly isPatient: boolean;
  readonly #server: Server;

  private constructor(cluster: TestCluster, isPatient: boolean) {
    this.cluster = cluster;
    this.isPatient = isPatient;
    this.#server = createServer((request, response) => {
      const [verb = "", node = ""] = (request.url ?? "").split("/").slice(1);
      this.#act(verb, node).then(
        () => response.end(),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
    });
  }

  static async start(
    options: Partial<ClusterOptions> & { readonly isPatient?: boolean } = {},
  ): Promise<TimelineHost> {
    const { isPatient = false, ...more } = options;
    const minHeartbeatTtl = isPatient ? PATIENT_TTL : MIN_HEARTBEAT_TTL;
    const cluster = await TestCluster.start({ ...more, agents: NODES, minHeartbeatTtl });
    const host = new TimelineHost(cluster, isPatient);
    host.#server.listen(0, "127.0.0.1");
    await once(host.#server, "listening");
    return host;
  }

  get addresses(): readonly string[] {
    return this.cluster.agents.map(({ api }) => `http://${api.address}`);
  }

  get hookUrl(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the hook is not up");
    return `http://127.0.0.1:${address.port}`;
  }

  /** Agents that come back, and nodes that die, each want their own patience. */
  suits(folder: string): boolean {
    const text = readFileSync(join(folder, "scenario.json"), "utf8");
    if (/"(client-restart|leader-kill|servers-restart)/.test(text)) return this.isPatient;
    return !this.isPatient || !text.includes('"client-kill');
  }

  /** Every agent runs and every node takes allocations, whatever the scenario before has left. */
  async settle(): Promise<void> {
    for (const agent of this.cluster.agents) this.#boot(agent);
    const [first] = this.cluster.agents;
    await waitUntil(
      () => (first as TestAgent).api.get<readonly NodeDoc[]>("/v1/nodes"),
      (nodes) => nodes.filter(isOpen).length === NODES,
      { timeoutMs: 30_000, what: `${NODES} nodes that are ready, eligible and not drained` },
    );
  }

  async stop(): Promise<void> {
    this.#server.close();
    await this.cluster.stop();
  }

  async #act(verb: string, node: string): Promise<void> {
    switch (verb) {
      case "client-kill":
        return this.cluster.kill(this.#agent(node));
      case "client-start":
        return this.#boot(this.#agent(node));
      case "client-restart":
        return this.#restart([this.#agent(node)]);
      case "leader-kill":
        return this.#restart([await this.cluster.leader()]);
      case "servers-restart":
        return this.#restart(this.cluster.agents);
      case "servers-start":
        for (const agent of this.cluster.agents) this.#boot(agent);
        return;
      default:
        throw new Error(`no verb ${verb}`);
    }
  }

  async #restart(agents: readonly TestAgent[]): Promise<void> {
    await Promise.all(agents.map((agent) => this.cluster.kill(agent)));
    for (const agent of agents) this.#boot(agent);
  }

  #boot(agent: TestAgent): void {
    if (agent.process === null) this.cluster.boot(agent);
  }

  #agent(name: string): TestAgent {
    const found = this.cluster.agents.find((agent) => agent.name === name);
    if (!found) throw new Error(`no node ${name}`);
    return found;
  }
}

function isOpen(node: NodeDoc): boolean {
  return node.Status === "ready" && node.SchedulingEligibility === "eligible" && !node.Drain;
}
