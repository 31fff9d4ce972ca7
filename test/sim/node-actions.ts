/** What operators do to nodes, and to the cluster as a whole. */
import { SECOND } from "@drover/base";
import {
  collectGarbage,
  drainNode,
  purgeNode,
  type Server,
  setNodeEligibility,
} from "@drover/server";
import type { StateSnapshot } from "@drover/state";
import type { SimRandom } from "@raft/node-raft/sim";
import type { Requests } from "./requests.ts";
import type { Plan } from "./scenario.ts";

type NodeAction = Extract<
  keyof Plan["actions"],
  "drain" | "drainCancel" | "ineligible" | "eligible" | "purgeNode" | "gc"
>;

/** At once, after some seconds, without a limit. */
const DRAIN_DEADLINES = [-1, 15 * SECOND, 60 * SECOND, 60 * SECOND, 0] as const;

export class NodeActions {
  readonly #requests: Requests;
  readonly #random: SimRandom;

  constructor(requests: Requests, random: SimRandom) {
    this.#requests = requests;
    this.#random = random;
  }

  /** Every node takes allocations again when its drain has ended; one without limit is ended. */
  release(server: Server, state: StateSnapshot): void {
    for (const node of state.nodes()) {
      if (node.drainStrategy?.deadline === 0) this.#drain(server, node.id, null);
      if (node.schedulingEligibility === "eligible" || node.drainStrategy !== null) continue;
      this.#eligible(server, node.id, "eligible");
    }
  }

  act(server: Server, action: NodeAction): void {
    if (action === "gc") {
      this.#requests.ask(action, collectGarbage(server, { force: true }));
      return;
    }
    const nodes = [...server.snapshot().nodes()];
    if (nodes.length === 0) return;
    const { id } = this.#random.pick(nodes);
    if (action === "ineligible" || action === "eligible") this.#eligible(server, id, action);
    else if (action === "purgeNode") {
      const token = this.#requests.token();
      this.#requests.ask(action, purgeNode(server, { id, token }), token);
    } else if (action === "drainCancel") this.#drain(server, id, null);
    else {
      const deadline = this.#random.pick(DRAIN_DEADLINES);
      this.#drain(server, id, { deadline, ignoreSystemJobs: this.#random.chance(0.3) });
    }
  }

  #drain(
    server: Server,
    id: string,
    spec: { readonly deadline: number; readonly ignoreSystemJobs: boolean } | null,
  ): void {
    const token = this.#requests.token();
    const request = { id, spec, markEligible: true, meta: {}, token };
    this.#requests.ask(spec === null ? "drainCancel" : "drain", drainNode(server, request), token);
  }

  #eligible(server: Server, id: string, eligibility: "eligible" | "ineligible"): void {
    const token = this.#requests.token();
    const answer = setNodeEligibility(server, { id, eligibility, token });
    this.#requests.ask(eligibility, answer, token);
  }
}
