/**
 * The cluster on which a timeline with several nodes is played, and the hook by which its steps
 * reach the agents. Every agent is server and client at once, so a verb that names either takes
 * both: who kills the leader kills a machine, which comes back as its supervisor would bring it.
 */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type ClusterOptions, type TestAgent, TestCluster } from "./cluster.ts";
import { waitUntil } from "./wait.ts";

const NODES = 3;
/** As the recordings were made: a dead node is noticed after 3 to 4 s. */
const MIN_HEARTBEAT_TTL = "2s";

interface NodeDoc {
  readonly Name: string;
  readonly Status: string;
  readonly SchedulingEligibility: string;
  readonly Drain: boolean;
}

export class TimelineHost {
  readonly cluster: TestCluster;
  readonly #server: Server;

  private constructor(cluster: TestCluster) {
    this.cluster = cluster;
    this.#server = createServer((request, response) => {
      const [verb = "", node = ""] = (request.url ?? "").split("/").slice(1);
      this.#act(verb, node).then(
        () => response.end(),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
    });
  }

  static async start(more: Partial<ClusterOptions> = {}): Promise<TimelineHost> {
    const cluster = { agents: NODES, minHeartbeatTtl: MIN_HEARTBEAT_TTL };
    const host = new TimelineHost(await TestCluster.start({ ...cluster, ...more }));
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
