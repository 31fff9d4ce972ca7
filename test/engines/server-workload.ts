/**
 * What users, operators and client agents ask of a leader, decided by a seed and by the state: jobs
 * of every kind and their updates, deployments steered, nodes that come, drain, fall silent and
 * return, tasks that start, pass, fail and end.
 */
import { ApiError } from "@drover/api";
import { DroverError, SECOND } from "@drover/base";
import {
  type Allocation,
  type AllocClientReport,
  AllocPhase,
  ClientStatus,
  DesiredStatus,
  isClientTerminal,
  isDeploymentActive,
} from "@drover/model";
import { mockNode, mockReport } from "@drover/model/testing";
import {
  collectGarbage,
  deregisterJob,
  drainNode,
  evaluateJob,
  failDeployment,
  pauseDeployment,
  promoteDeployment,
  registerJob,
  revertJob,
  type Server,
  scaleJob,
  setNodeEligibility,
  stopAllocation,
} from "@drover/server";
import { SimRandom } from "@raft/node-raft/sim";
import { jobOf } from "../sim/jobs.ts";
import { type JobShape, randomShape } from "../sim/shapes.ts";
import type { EngineCluster } from "./engine-cluster.ts";

const NODES = 8;
const JOBS = 14;
const COUNT_MAX = 6;
const NAMESPACE = "default";
const BEAT_EVERY_MS = 5_000;
const SILENT_MS = 60_000;
const TYPES = ["service", "service", "service", "batch", "system"] as const;
const WEIGHTS = {
  ...{ register: 10, update: 8, scale: 4, revert: 2, stop: 2, evaluate: 2, promote: 3 },
  ...{ pause: 1, resume: 2, fail: 1, stopAlloc: 2, drain: 1, undrain: 1, eligibility: 1 },
  ...{ silence: 1, collect: 0.2, nothing: 10 },
};

type Action = keyof typeof WEIGHTS;
/** What client agents ask of themselves. */
type Request = Action | "join" | "beat" | "report";

export class ServerWorkload {
  readonly #cluster: EngineCluster;
  readonly #random: SimRandom;
  readonly #shapes = new Map<string, JobShape>();
  readonly #nodes = Array.from({ length: NODES }, (_, i) => mockNode({ name: `node-${i}` }));
  /** Node → when it is heard of again. */
  readonly #silentUntil = new Map<string, number>();
  #beatAt = 0;
  #serial = 0;
  #seq = 0;
  /** How often each was done, and not refused. */
  readonly done: Partial<Record<Request, number>> = {};

  constructor(cluster: EngineCluster, seed: number) {
    this.#cluster = cluster;
    this.#random = new SimRandom(seed);
  }

  /** Until the log has come so far. */
  async runTo(index: number): Promise<void> {
    const server = await this.#cluster.leader();
    if (this.#serial === 0) for (const node of this.#nodes) await this.#register(server, node.id);
    while (server.store.index < index) {
      const action = this.#random.weighted(WEIGHTS);
      await this.#act(server, action);
      for (const node of this.#nodes) {
        if (!this.#isSilent(node.id) && this.#random.chance(0.7)) await this.#play(server, node.id);
      }
      await this.#cluster.lockstep.advance(200 + this.#random.int(2_500));
      await this.#beat(server);
    }
  }

  async #act(server: Server, action: Action): Promise<void> {
    switch (action) {
      case "register":
      case "update":
        return await this.#submit(server, action);
      case "scale":
      case "revert":
      case "stop":
      case "evaluate":
        return await this.#changeJob(server, action);
      case "promote":
      case "pause":
      case "resume":
      case "fail":
        return await this.#steer(server, action);
      case "stopAlloc":
        return await this.#stopAlloc(server);
      case "drain":
      case "undrain":
      case "eligibility":
        return await this.#changeNode(server, action);
      case "silence":
        this.#silentUntil.set(this.#random.pick(this.#nodes).id, this.#now() + SILENT_MS);
        return;
      case "collect":
        return await this.#ask(action, () => collectGarbage(server, { force: true }));
      case "nothing":
    }
  }

  async #submit(server: Server, action: "register" | "update"): Promise<void> {
    const id = `job${1 + this.#random.int(JOBS)}`;
    const known = this.#shapes.get(id);
    const image = `image:${this.#serial}`;
    const limits = { machines: NODES, tight: false, countMax: COUNT_MAX };
    const type = known?.type ?? this.#random.pick(TYPES);
    const shape =
      action === "update" && known !== undefined
        ? { ...known, image }
        : randomShape(this.#random, { id, type, image }, limits);
    this.#shapes.set(id, shape);
    const request = {
      ...{ input: jobOf(shape), submission: null, enforceIndex: null },
      ...{ preserveCounts: false, preserveResources: false, evalPriority: 0 },
    };
    await this.#ask(action, (token) => registerJob(server, { ...request, token }));
  }

  async #changeJob(
    server: Server,
    action: "scale" | "revert" | "stop" | "evaluate",
  ): Promise<void> {
    if (this.#shapes.size === 0) return;
    const id = this.#random.pick([...this.#shapes.keys()]);
    const ref = { namespace: NAMESPACE, id };
    if (action === "scale") {
      const rest = { group: "web", message: "", error: false, meta: null };
      const count = 1 + this.#random.int(COUNT_MAX);
      await this.#ask(action, (token) => scaleJob(server, { ...ref, ...rest, count, token }));
    } else if (action === "stop") {
      const rest = { purge: this.#random.chance(0.3), noShutdownDelay: false, evalPriority: 0 };
      await this.#ask(action, (token) => deregisterJob(server, { ...ref, ...rest, token }));
    } else if (action === "evaluate") {
      const rest = { forceReschedule: this.#random.chance(0.5) };
      await this.#ask(action, (token) => evaluateJob(server, { ...ref, ...rest, token }));
    } else {
      const versions = server.snapshot().jobVersions(ref);
      if (versions.length < 2) return;
      const { version } = this.#random.pick(versions);
      const rest = { version, enforcePriorVersion: null };
      await this.#ask(action, (token) => revertJob(server, { ...ref, ...rest, token }));
    }
  }

  async #steer(server: Server, action: "promote" | "pause" | "resume" | "fail"): Promise<void> {
    const active = [...server.snapshot().deployments()].filter(isDeploymentActive);
    if (active.length === 0) return;
    const { id } = this.#random.pick(active);
    await this.#ask(action, (token) => {
      if (action === "promote") return promoteDeployment(server, { id, groups: null, token });
      if (action === "fail") return failDeployment(server, { id, token });
      return pauseDeployment(server, { id, pause: action === "pause", token });
    });
  }

  async #stopAlloc(server: Server): Promise<void> {
    const live = [...server.snapshot().allocs()].filter((alloc) => !isClientTerminal(alloc));
    if (live.length === 0) return;
    const { id } = this.#random.pick(live);
    const rest = { noShutdownDelay: false, reschedule: this.#random.chance(0.5) };
    await this.#ask("stopAlloc", (token) => stopAllocation(server, { id, ...rest, token }));
  }

  async #changeNode(server: Server, action: "drain" | "undrain" | "eligibility"): Promise<void> {
    const { id } = this.#random.pick(this.#nodes);
    if (action === "eligibility") {
      const eligibility = this.#random.chance(0.7) ? "eligible" : "ineligible";
      await this.#ask(action, (token) => setNodeEligibility(server, { id, eligibility, token }));
      return;
    }
    const deadline = this.#random.pick([-1, 15 * SECOND, 60 * SECOND]);
    const spec = action === "drain" ? { deadline, ignoreSystemJobs: false } : null;
    const request = { id, spec, markEligible: true, meta: {} };
    await this.#ask(action, (token) => drainNode(server, { ...request, token }));
  }

  async #register(server: Server, id: string): Promise<void> {
    const node = this.#nodes.find((each) => each.id === id);
    const payload = { node, secretId: node?.secretId };
    await this.#ask("join", (token) => server.leaderCalls.call("node.register", payload, token));
  }

  async #beat(server: Server): Promise<void> {
    if (this.#now() < this.#beatAt + BEAT_EVERY_MS) return;
    this.#beatAt = this.#now();
    for (const { id: nodeId } of this.#nodes) {
      if (this.#isSilent(nodeId)) continue;
      const beat = (token: string) => server.leaderCalls.call("node.heartbeat", { nodeId }, token);
      await this.#ask("beat", beat);
    }
  }

  /** One node does one thing for each of its allocations, and reports it all at once. */
  async #play(server: Server, nodeId: string): Promise<void> {
    const reports = server
      .snapshot()
      .allocsByNode(nodeId)
      .filter((alloc) => !isClientTerminal(alloc))
      .flatMap((alloc) => this.#next(alloc) ?? []);
    if (reports.length === 0) return;
    const update = (token: string) => server.leaderCalls.call("alloc.update", { reports }, token);
    await this.#ask("report", update);
  }

  #next(alloc: Allocation): (AllocClientReport & { readonly nodeId: string }) | null {
    const change = this.#change(alloc);
    if (change === null) return null;
    this.#seq += 1;
    return mockReport(alloc, { clientSeq: this.#seq, ...change });
  }

  #change(alloc: Allocation): Partial<AllocClientReport> | null {
    if (alloc.desiredStatus !== DesiredStatus.run) return { clientStatus: ClientStatus.complete };
    if (alloc.phase === AllocPhase.prepare) {
      return alloc.prepared ? null : { clientStatus: ClientStatus.pending, prepared: true };
    }
    if (alloc.clientStatus === ClientStatus.pending) return { serving: true };
    if (this.#random.chance(0.02)) return { clientStatus: ClientStatus.failed };
    const { deploymentId } = alloc;
    if (deploymentId === "" || (alloc.deploymentStatus?.healthy ?? null) !== null) return null;
    return {
      healthy: this.#random.chance(0.95),
      serving: true,
      healthAt: this.#now(),
      deploymentId,
    };
  }

  /** A refusal is an answer; only a bug is a failure. */
  async #ask(request: Request, ask: (token: string) => Promise<unknown>): Promise<void> {
    this.#serial += 1;
    const answer = ask(`workload:${this.#serial}`).then(
      () => {
        this.done[request] = (this.done[request] ?? 0) + 1;
      },
      (error: unknown) => {
        const refused = error instanceof DroverError || error instanceof ApiError;
        if (!refused || error.message.includes("validation failed")) throw error;
      },
    );
    await Promise.all([answer, this.#cluster.lockstep.quiet()]);
  }

  #isSilent(nodeId: string): boolean {
    return (this.#silentUntil.get(nodeId) ?? 0) > this.#now();
  }

  #now(): number {
    return this.#cluster.lockstep.clock.now();
  }
}
