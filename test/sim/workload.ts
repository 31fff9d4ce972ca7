/** What users and operators do, at random: jobs, updates, deployments, drains. */
import { ApiError } from "@drover/api";
import { DroverError, SECOND } from "@drover/base";
import { isDeploymentActive } from "@drover/model";
import {
  deregisterJob,
  drainNode,
  failDeployment,
  pauseDeployment,
  promoteDeployment,
  registerJob,
  revertJob,
  type Server,
  scaleJob,
  setNodeEligibility,
} from "@drover/server";
import type { SimRandom } from "@raft/node-raft/sim";
import { type JobShape, jobOf, randomShape } from "./jobs.ts";
import type { Plan } from "./scenario.ts";
import type { Cluster } from "./world/cluster.ts";
import { ImageKind, imageName } from "./world/images.ts";

const NAMESPACE = "default";

export type Action = keyof Plan["actions"];

export class Workload {
  readonly #cluster: Cluster;
  readonly #plan: Plan;
  readonly #random: SimRandom;
  readonly #shapes = new Map<string, JobShape>();
  /** Job → image that mends it. */
  readonly #repairs = new Map<string, string>();
  #serial = 0;
  #running = false;

  constructor(cluster: Cluster, plan: Plan) {
    this.#cluster = cluster;
    this.#plan = plan;
    this.#random = cluster.raft.random.fork("workload");
  }

  start(): void {
    this.#running = true;
    this.#next();
  }

  stop(): void {
    this.#running = false;
  }

  /** Lets what an operator holds go on: paused deployments, canaries that wait for a promotion. */
  release(): void {
    const server = this.#cluster.leader();
    const { state } = this.#cluster.truth;
    if (server === null || state === null) return;
    for (const node of state.nodes()) {
      if (node.schedulingEligibility === "eligible" || node.drainStrategy !== null) continue;
      this.#eligible(server, node.id, "eligible");
    }
    for (const deployment of state.deployments()) {
      if (!isDeploymentActive(deployment)) continue;
      const { id } = deployment;
      const token = this.#token();
      if (deployment.status === "paused") {
        this.#ask("resume", pauseDeployment(server, { id, pause: false, token }));
        continue;
      }
      const waits = Object.values(deployment.taskGroups).some(
        (group) => group.desiredCanaries > 0 && !group.promoted && !group.autoPromote,
      );
      if (waits) this.#ask("promote", promoteDeployment(server, { id, groups: null, token }));
    }
  }

  /** Submits a version that works of every job that is not stopped; again until it is taken. */
  repair(): void {
    const server = this.#cluster.leader();
    const { state } = this.#cluster.truth;
    if (server === null || state === null) return;
    for (const [id, shape] of this.#shapes) {
      const job = state.job({ namespace: NAMESPACE, id });
      if (job === undefined || job.stop || shape.type === "batch") continue;
      const given = this.#repairs.get(id) ?? imageName(ImageKind.good, this.#nextSerial());
      this.#repairs.set(id, given);
      const image = job.taskGroups[0]?.tasks[0]?.config as { image?: string } | null | undefined;
      if (image?.image !== given) this.#register(server, { ...shape, image: given }, "repair");
    }
  }

  /** Every job that can be repaired is. */
  get isRepaired(): boolean {
    const { state } = this.#cluster.truth;
    return [...this.#shapes].every(([id, shape]) => {
      const job = state?.job({ namespace: NAMESPACE, id });
      if (job === undefined || job.stop || shape.type === "batch") return true;
      const config = job.taskGroups[0]?.tasks[0]?.config as { image?: string } | null | undefined;
      return config?.image !== undefined && config.image === this.#repairs.get(id);
    });
  }

  #next(): void {
    const { clock } = this.#cluster.raft;
    clock.after(this.#random.between(0, 2 * this.#plan.actionEveryMs), () => {
      if (!this.#running) return;
      const server = this.#cluster.leader();
      const starting = this.#shapes.size < this.#plan.jobs;
      if (server !== null) {
        this.#act(server, starting ? "start" : this.#random.weighted(this.#plan.actions));
      }
      this.#next();
    });
  }

  #act(server: Server, action: Action): void {
    switch (action) {
      case "start":
        this.#start(server);
        return;
      case "update":
      case "inPlace":
      case "recount":
      case "reshape":
        this.#update(server, action);
        return;
      case "stop":
      case "revert":
      case "scale":
        this.#changeJob(server, action);
        return;
      case "promote":
      case "pause":
      case "resume":
      case "fail":
        this.#steer(server, action);
        return;
      case "drain":
      case "drainCancel":
      case "ineligible":
      case "eligible":
        this.#node(server, action);
        return;
    }
  }

  #start(server: Server): void {
    this.#serial += 1;
    const stopped = [...this.#shapes.values()].filter(({ id }) => this.#job(server, id)?.stop);
    const old = stopped.length > 0 ? this.#random.pick(stopped) : undefined;
    if (old === undefined && this.#shapes.size >= this.#plan.jobs) return;
    const first = this.#shapes.size === 0;
    const type = old?.type ?? (first ? "service" : this.#random.pick(this.#plan.types));
    const kind = type === "batch" ? ImageKind.batch : ImageKind.good;
    const image = imageName(kind, this.#serial);
    const id = old?.id ?? `job${this.#shapes.size + 1}`;
    const shape = randomShape(this.#random, id, type, image);
    this.#register(server, shape, "start");
  }

  #update(server: Server, action: "update" | "inPlace" | "recount" | "reshape"): void {
    const shape = this.#anyShape(server);
    if (shape === undefined || shape.type === "batch") return;
    this.#serial += 1;
    if (action === "update") {
      const kind = this.#random.weighted(this.#plan.images);
      this.#register(server, { ...shape, image: imageName(kind, this.#serial) }, action);
    } else if (action === "inPlace") {
      this.#register(server, { ...shape, killTimeoutS: shape.killTimeoutS === 2 ? 5 : 2 }, action);
    } else if (action === "recount") {
      this.#register(server, { ...shape, count: 1 + this.#random.int(6) }, action);
    } else {
      const image = imageName(ImageKind.good, this.#serial);
      this.#register(server, randomShape(this.#random, shape.id, shape.type, image), action);
    }
  }

  #changeJob(server: Server, action: "stop" | "revert" | "scale"): void {
    const shape = this.#anyShape(server);
    if (shape === undefined) return;
    const ref = { namespace: NAMESPACE, id: shape.id, token: this.#token() };
    if (action === "stop") {
      const rest = { purge: false, noShutdownDelay: false, evalPriority: 0 };
      this.#ask(action, deregisterJob(server, { ...ref, ...rest }));
    } else if (action === "scale") {
      const rest = { group: "web", message: "", error: false, meta: null };
      const count = 1 + this.#random.int(6);
      if (shape.type === "service") this.#ask(action, scaleJob(server, { ...ref, ...rest, count }));
    } else {
      const versions = server.snapshot().jobVersions(ref);
      const version = this.#random.pick(versions).version;
      this.#ask(action, revertJob(server, { ...ref, version, enforcePriorVersion: null }));
    }
  }

  #steer(server: Server, action: "promote" | "pause" | "resume" | "fail"): void {
    const active = [...server.snapshot().deployments()].filter(isDeploymentActive);
    if (active.length === 0) return;
    const { id } = this.#random.pick(active);
    const token = this.#token();
    if (action === "promote") {
      this.#ask(action, promoteDeployment(server, { id, groups: null, token }));
    } else if (action === "fail") this.#ask(action, failDeployment(server, { id, token }));
    else this.#ask(action, pauseDeployment(server, { id, pause: action === "pause", token }));
  }

  #node(server: Server, action: "drain" | "drainCancel" | "ineligible" | "eligible"): void {
    const nodes = [...server.snapshot().nodes()];
    if (nodes.length === 0) return;
    const node = this.#random.pick(nodes);
    if (action === "ineligible" || action === "eligible") {
      this.#eligible(server, node.id, action);
      return;
    }
    const deadline = this.#random.pick([15, 60]) * SECOND;
    const spec = action === "drain" ? { deadline, ignoreSystemJobs: false } : null;
    const rest = { markEligible: true, meta: {}, token: this.#token() };
    this.#ask(action, drainNode(server, { id: node.id, spec, ...rest }));
  }

  #eligible(server: Server, id: string, eligibility: "eligible" | "ineligible"): void {
    const token = this.#token();
    this.#ask(eligibility, setNodeEligibility(server, { id, eligibility, token }));
  }

  #register(server: Server, shape: JobShape, what: string): void {
    this.#cluster.trace.note("submit", shape.id, shape.image, shape.count);
    this.#shapes.set(shape.id, shape);
    const request = {
      input: jobOf(shape),
      submission: null,
      enforceIndex: null,
      preserveCounts: false,
      preserveResources: false,
      evalPriority: 0,
      token: this.#token(),
    };
    this.#ask(what, registerJob(server, request));
  }

  /** A refusal is an answer; only a bug is a failure. */
  #ask(what: string, answer: Promise<unknown>): void {
    answer.then(
      () => this.#cluster.trace.note(`action ${what}`),
      (error: unknown) => {
        const refused = error instanceof DroverError || error instanceof ApiError;
        if (!refused || error.message.includes("validation failed")) {
          this.#cluster.fail(`action ${what}`, error);
        } else this.#cluster.trace.note(`refused ${what}`, error.message);
      },
    );
  }

  #anyShape(server: Server): JobShape | undefined {
    const live = [...this.#shapes.values()].filter(({ id }) => {
      return this.#job(server, id)?.stop === false;
    });
    return live.length === 0 ? undefined : this.#random.pick(live);
  }

  #job(server: Server, id: string) {
    return server.snapshot().job({ namespace: NAMESPACE, id });
  }

  #token(): string {
    return `workload:${this.#nextSerial()}`;
  }

  #nextSerial(): number {
    this.#serial += 1;
    return this.#serial;
  }
}
