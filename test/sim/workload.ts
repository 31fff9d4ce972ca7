/** What users and operators do, at random: jobs, updates, deployments, allocations, nodes. */
import type { Job } from "@drover/model";
import {
  deregisterJob,
  evaluateJob,
  registerJob,
  revertJob,
  type Server,
  scaleJob,
} from "@drover/server";
import type { SimRandom } from "@raft/node-raft/sim";
import { jobOf, MAIN_TASK } from "./jobs.ts";
import { NodeActions } from "./node-actions.ts";
import { Requests } from "./requests.ts";
import { type Plan, TIGHT_CPU_SHARES } from "./scenario.ts";
import { type JobShape, randomCount, randomShape, type ShapeLimits } from "./shapes.ts";
import { SteerActions } from "./steer-actions.ts";
import type { Cluster } from "./world/cluster.ts";
import { ImageKind, imageName } from "./world/images.ts";

const NAMESPACE = "default";
/** A user whose version failed for want of room submits it again, so often. */
const REPAIRS_MAX = 4;

export type Action = keyof Plan["actions"];

interface Repair {
  readonly image: string;
  readonly tries: number;
}

type JobType = JobShape["type"];

export class Workload {
  readonly #cluster: Cluster;
  readonly #plan: Plan;
  readonly #random: SimRandom;
  readonly #requests: Requests;
  readonly #steer: SteerActions;
  readonly #nodes: NodeActions;
  readonly #limits: ShapeLimits;
  readonly #shapes = new Map<string, JobShape>();
  /** Job → what mends it. */
  readonly #repairs = new Map<string, Repair>();
  #running = false;

  constructor(cluster: Cluster, plan: Plan) {
    this.#cluster = cluster;
    this.#plan = plan;
    this.#random = cluster.raft.random.fork("workload");
    this.#requests = new Requests(cluster);
    this.#steer = new SteerActions(cluster, this.#requests, this.#random);
    this.#nodes = new NodeActions(this.#requests, this.#random);
    const { machines, countMax, cpuShares } = plan;
    this.#limits = { machines, countMax, tight: cpuShares === TIGHT_CPU_SHARES };
  }

  start(): void {
    this.#running = true;
    this.#next();
  }

  stop(): void {
    this.#running = false;
  }

  /** Lets what an operator holds go on: nodes, paused deployments, canaries, verdicts by hand. */
  release(): void {
    const server = this.#cluster.leader();
    const { state } = this.#cluster.truth;
    if (server === null || state === null) return;
    this.#nodes.release(server, state);
    this.#steer.release(server, state);
  }

  /** Submits a version that works of every job that is not stopped; again until it is taken. */
  repair(): void {
    const server = this.#cluster.leader();
    if (server === null) return;
    for (const { job, shape } of this.#liveJobs()) {
      if (endsByItself(shape)) continue;
      const repair = this.#repairOf(job);
      this.#repairs.set(job.id, repair);
      if (imageOf(job) === repair.image) continue;
      // All of them together have to fit, whatever the machines are.
      const small = this.#limits.tight ? { canary: 0, autoPromote: false } : {};
      this.#register(server, { ...shape, ...small, cpu: 100, image: repair.image }, "repair");
    }
  }

  /** Every job that can be repaired is, and the version that mends it has not failed. */
  get isRepaired(): boolean {
    return this.#liveJobs().every(({ job, shape }) => {
      if (endsByItself(shape)) return true;
      return imageOf(job) === this.#repairs.get(job.id)?.image && !this.#hasFailed(job);
    });
  }

  #repairOf(job: Job): Repair {
    const known = this.#repairs.get(job.id);
    const again =
      known !== undefined &&
      known.tries < REPAIRS_MAX &&
      imageOf(job) === known.image &&
      this.#hasFailed(job);
    if (known !== undefined && !again) return known;
    const image = imageName(ImageKind.good, this.#requests.serial());
    return { image, tries: (known?.tries ?? 0) + 1 };
  }

  #hasFailed(job: Job): boolean {
    const newest = this.#cluster.truth.state?.deploymentsByJob(job)[0];
    return newest?.jobVersion === job.version && newest.status === "failed";
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
      case "purge":
      case "revert":
      case "scale":
      case "reschedule":
        this.#changeJob(server, action);
        return;
      case "promote":
      case "pause":
      case "resume":
      case "fail":
      case "setHealth":
      case "stopAlloc":
      case "restartAlloc":
        this.#steer.act(server, action);
        return;
      default:
        this.#nodes.act(server, action);
    }
  }

  #start(server: Server): void {
    const stopped = [...this.#shapes.values()].filter(({ id }) => this.#live(id) === undefined);
    const old = stopped.length > 0 ? this.#random.pick(stopped) : undefined;
    if (old === undefined && this.#shapes.size >= this.#plan.jobs) return;
    const first = this.#shapes.size === 0;
    // One that was purged may come back as anything.
    const type = this.#job(old?.id ?? "")?.type as JobType | undefined;
    const chosen = type ?? (first ? "service" : this.#random.pick(this.#plan.types));
    const kind = chosen === "batch" || chosen === "sysbatch" ? ImageKind.batch : ImageKind.good;
    const image = imageName(kind, this.#requests.serial());
    const id = old?.id ?? `job${this.#shapes.size + 1}`;
    this.#register(server, this.#shape({ id, type: chosen, image }), "start");
  }

  #update(server: Server, action: "update" | "inPlace" | "recount" | "reshape"): void {
    const shape = this.#anyShape();
    if (shape === undefined || endsByItself(shape)) return;
    const serial = this.#requests.serial();
    if (action === "update") {
      const kind = this.#random.weighted(this.#plan.images);
      this.#register(server, { ...shape, image: imageName(kind, serial) }, action);
    } else if (action === "inPlace") {
      this.#register(server, { ...shape, killTimeoutS: shape.killTimeoutS === 2 ? 5 : 2 }, action);
    } else if (action === "recount") {
      const count = randomCount(this.#random, shape.port, this.#limits);
      this.#register(server, { ...shape, count }, action);
    } else {
      const image = imageName(ImageKind.good, serial);
      this.#register(server, this.#shape({ id: shape.id, type: shape.type, image }), action);
    }
  }

  #changeJob(server: Server, action: "stop" | "purge" | "revert" | "scale" | "reschedule"): void {
    const shape = this.#anyShape();
    if (shape === undefined) return;
    const ref = { namespace: NAMESPACE, id: shape.id, token: this.#requests.token() };
    const ask = (answer: Promise<unknown>) => this.#requests.ask(action, answer, ref.token);
    if (action === "stop" || action === "purge") {
      const purge = action === "purge";
      ask(deregisterJob(server, { ...ref, purge, noShutdownDelay: false, evalPriority: 0 }));
    } else if (action === "reschedule") {
      ask(evaluateJob(server, { ...ref, forceReschedule: true }));
    } else if (action === "scale") {
      const rest = { group: "web", message: "", error: false, meta: null };
      const count = randomCount(this.#random, shape.port, this.#limits);
      if (shape.type === "service") ask(scaleJob(server, { ...ref, ...rest, count }));
    } else {
      const versions = server.snapshot().jobVersions(ref);
      if (versions.length === 0) return;
      const { version } = this.#random.pick(versions);
      ask(revertJob(server, { ...ref, version, enforcePriorVersion: null }));
    }
  }

  #shape(of: Pick<JobShape, "id" | "type" | "image">): JobShape {
    return randomShape(this.#random, of, this.#limits);
  }

  #register(server: Server, shape: JobShape, what: string): void {
    this.#cluster.trace.note("submit", shape.id, shape.image, shape.count);
    this.#shapes.set(shape.id, shape);
    const token = this.#requests.token();
    const request = {
      input: jobOf(shape),
      submission: null,
      enforceIndex: null,
      preserveCounts: false,
      preserveResources: false,
      evalPriority: 0,
      token,
    };
    this.#requests.ask(what, registerJob(server, request), token);
  }

  #anyShape(): JobShape | undefined {
    const live = this.#liveJobs();
    return live.length === 0 ? undefined : this.#random.pick(live).shape;
  }

  #liveJobs(): { readonly job: Job; readonly shape: JobShape }[] {
    return [...this.#shapes.values()].flatMap((shape) => {
      const job = this.#live(shape.id);
      // Of two registrations at once the first has decided what the job is.
      return job === undefined ? [] : { job, shape: { ...shape, type: job.type as JobType } };
    });
  }

  /** Registered and not stopped. */
  #live(id: string): Job | undefined {
    const job = this.#job(id);
    return job?.stop === true ? undefined : job;
  }

  #job(id: string): Job | undefined {
    return this.#cluster.truth.state?.job({ namespace: NAMESPACE, id });
  }
}

/** Its work is done some day; nobody mends it. */
function endsByItself({ type }: JobShape): boolean {
  return type === "batch" || type === "sysbatch";
}

function imageOf(job: Job): string | undefined {
  const main = job.taskGroups[0]?.tasks.find(({ name }) => name === MAIN_TASK);
  return (main?.config as { image?: string } | null | undefined)?.image;
}
