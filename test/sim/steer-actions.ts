/** What operators do to deployments and to single allocations. */
import { type Allocation, type Deployment, isDeploymentActive } from "@drover/model";
import {
  failDeployment,
  pauseDeployment,
  promoteDeployment,
  type Server,
  setAllocHealth,
  stopAllocation,
} from "@drover/server";
import type { StateSnapshot } from "@drover/state";
import type { SimRandom } from "@raft/node-raft/sim";
import type { Requests } from "./requests.ts";
import type { Plan } from "./scenario.ts";
import type { Cluster } from "./world/cluster.ts";

type SteerAction = Extract<
  keyof Plan["actions"],
  "promote" | "pause" | "resume" | "fail" | "setHealth" | "stopAlloc" | "restartAlloc"
>;

export class SteerActions {
  readonly #cluster: Cluster;
  readonly #requests: Requests;
  readonly #random: SimRandom;

  constructor(cluster: Cluster, requests: Requests, random: SimRandom) {
    this.#cluster = cluster;
    this.#requests = requests;
    this.#random = random;
  }

  /** Resumes, promotes and judges whatever waits for a human. */
  release(server: Server, state: StateSnapshot): void {
    for (const deployment of state.deployments()) {
      if (!isDeploymentActive(deployment)) continue;
      const { id } = deployment;
      const token = this.#requests.token();
      if (deployment.status === "paused") {
        this.#requests.ask("resume", pauseDeployment(server, { id, pause: false, token }), token);
        continue;
      }
      const waits = Object.values(deployment.taskGroups).some(
        (group) => group.desiredCanaries > 0 && !group.promoted && !group.autoPromote,
      );
      if (waits) {
        this.#requests.ask(
          "promote",
          promoteDeployment(server, { id, groups: null, token }),
          token,
        );
      }
      const healthy = this.#awaitVerdict(state, deployment).map((alloc) => alloc.id);
      if (healthy.length > 0) this.#judge(server, id, { healthy, unhealthy: [] });
    }
  }

  act(server: Server, action: SteerAction): void {
    if (action === "stopAlloc" || action === "restartAlloc") {
      this.#oneAlloc(server, action);
      return;
    }
    const active = [...server.snapshot().deployments()].filter(isDeploymentActive);
    if (active.length === 0) return;
    const deployment = this.#random.pick(active);
    const { id } = deployment;
    const token = this.#requests.token();
    const ask = (answer: Promise<unknown>) => this.#requests.ask(action, answer, token);
    if (action === "promote") ask(promoteDeployment(server, { id, groups: null, token }));
    else if (action === "fail") ask(failDeployment(server, { id, token }));
    else if (action === "setHealth") this.#anyVerdict(server, deployment);
    else ask(pauseDeployment(server, { id, pause: action === "pause", token }));
  }

  #anyVerdict(server: Server, { id }: Deployment): void {
    const placed = server.snapshot().allocsByDeployment(id);
    if (placed.length === 0) return;
    const chosen = [this.#random.pick(placed).id];
    const isGood = this.#random.chance(0.7);
    this.#judge(server, id, { healthy: isGood ? chosen : [], unhealthy: isGood ? [] : chosen });
  }

  #judge(
    server: Server,
    id: string,
    verdicts: { readonly healthy: string[]; readonly unhealthy: string[] },
  ): void {
    const token = this.#requests.token();
    this.#requests.ask("setHealth", setAllocHealth(server, { id, ...verdicts, token }), token);
  }

  /** `health_check = "manual"`: what runs and nobody has judged. */
  #awaitVerdict(state: StateSnapshot, { id }: Deployment): Allocation[] {
    return state.allocsByDeployment(id).filter((alloc) => {
      const group = state.allocJob(alloc)?.taskGroups.find(({ name }) => name === alloc.taskGroup);
      const isManual = group?.update?.healthCheck === "manual";
      const isOpen = alloc.desiredStatus === "run" && alloc.clientStatus === "running";
      return isManual && isOpen && (alloc.deploymentStatus?.healthy ?? null) === null;
    });
  }

  #oneAlloc(server: Server, action: "stopAlloc" | "restartAlloc"): void {
    const running = [...server.snapshot().allocs()].filter(
      ({ desiredStatus, clientStatus }) => desiredStatus === "run" && clientStatus === "running",
    );
    if (running.length === 0) return;
    const { id, nodeId } = this.#random.pick(running);
    if (action === "stopAlloc") {
      const token = this.#requests.token();
      const rest = { noShutdownDelay: false, reschedule: this.#random.chance(0.5), token };
      this.#requests.ask(action, stopAllocation(server, { id, ...rest }), token);
      return;
    }
    const agent = this.#cluster.machines.find((machine) => machine.nodeId === nodeId)?.agent;
    if (agent == null || !agent.allocIds.includes(id)) return;
    this.#cluster.truth.restarting(id);
    const allTasks = this.#random.chance(0.3);
    this.#requests.ask(action, agent.restart(id, { task: "", allTasks }));
  }
}
