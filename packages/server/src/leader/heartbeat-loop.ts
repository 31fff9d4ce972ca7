/** Notices clients that fell silent (spec chapter 9 §9.1); the table and its guards are control's. */
import { decideMissed, Heartbeats } from "@drover/control";
import { EvalTrigger, type Node, NodeStatus, type Reason } from "@drover/model";
import type { Applied, ServerContext } from "../context.ts";
import { unwrap } from "../operations/jobs.ts";
import { nodeEvent } from "../operations/nodes.ts";
import { actOnEach, LeaderLoop, type LoopPass } from "./leader-loop.ts";
import { evalsForNode } from "./new-eval.ts";

export class HeartbeatLoop {
  readonly #context: ServerContext;
  readonly #loop: LeaderLoop;
  #heartbeats: Heartbeats;
  /**
   * Nodes that fell silent and when each is to be decided (again), epoch ms. One stays here until
   * its end is written: the table above has forgotten it.
   */
  readonly #rechecks = new Map<string, number>();
  /** Epoch ms of the pass that is due next: a beat may be due before it, after a failover. */
  #armedAt = Number.POSITIVE_INFINITY;

  constructor(context: ServerContext) {
    this.#context = context;
    this.#heartbeats = this.#newTable();
    this.#loop = new LeaderLoop({ name: "heartbeats", pass: () => this.#pass() }, context);
  }

  start(): void {
    const now = this.#context.clock.now();
    this.#heartbeats = this.#newTable();
    this.#rechecks.clear();
    for (const node of this.#context.store.snapshot().nodes()) {
      if (node.status === NodeStatus.ready || node.status === NodeStatus.initializing) {
        this.#heartbeats.track(node.id, now);
      } else if (node.status === NodeStatus.disconnected) this.#rechecks.set(node.id, now);
    }
    this.#loop.start();
  }

  stop(): void {
    this.#loop.stop();
  }

  applied(applied: Applied): void {
    for (const event of applied.events) {
      if (event.type !== "NodeDeregistration") continue;
      const { id } = event.payload as Node;
      this.#heartbeats.forget(id);
      this.#rechecks.delete(id);
    }
  }

  /** Heard of; answers the milliseconds until the next beat is due. */
  beat(nodeId: string): number {
    const { clock, random } = this.#context;
    this.#rechecks.delete(nodeId);
    const ttlMs = this.#heartbeats.beat(nodeId, clock.now(), random);
    const dueAt = this.#heartbeats.wakeAt();
    if (dueAt !== null && dueAt < this.#armedAt) this.#loop.wake();
    return ttlMs;
  }

  #newTable(): Heartbeats {
    const { timings, clock } = this.#context;
    return new Heartbeats(
      {
        minTtlMs: timings.minHeartbeatTtlMs,
        maxPerSecond: timings.maxHeartbeatsPerSecond,
        graceMs: timings.heartbeatGraceMs,
        failoverTtlMs: timings.failoverHeartbeatTtlMs,
      },
      clock.now(),
    );
  }

  /** Why an overdue node is not given up yet; null = it is not overdue. */
  why(nodeId: string): Reason | null {
    return this.#heartbeats.why(nodeId, this.#context.clock.now());
  }

  async #pass(): Promise<LoopPass> {
    const now = this.#context.clock.now();
    const { missed, held, shiftedMs } = this.#heartbeats.expire(now);
    if (shiftedMs > 0) this.#context.log("warn", "this leader was late, waiting on", { shiftedMs });
    if (held.length > 0) {
      const nodes = held.map(({ subject }) => subject.id);
      this.#context.log("error", "many nodes fell silent at once: held back", { nodes });
    }
    for (const nodeId of missed) this.#rechecks.set(nodeId, now);
    await actOnEach([...this.#rechecks], async ([nodeId, at]) => {
      // One that was heard of meanwhile is not there any more.
      if (at <= now && this.#rechecks.has(nodeId)) await this.#giveUp(nodeId);
    });
    const recheckAt = Math.min(...this.#rechecks.values());
    const wakeAt = Math.min(this.#heartbeats.wakeAt() ?? Number.POSITIVE_INFINITY, recheckAt);
    this.#armedAt = wakeAt;
    return { wakeAt: Number.isFinite(wakeAt) ? wakeAt : null };
  }

  async #giveUp(nodeId: string): Promise<void> {
    const state = this.#context.store.snapshot();
    const node = state.node(nodeId);
    const now = Math.max(this.#context.clock.now(), state.clock);
    if (!node || node.status === NodeStatus.down) {
      this.#rechecks.delete(nodeId);
      return;
    }
    const decision = decideMissed({ nodeId, now }, state);
    if (decision.kind === "wait" || decision.status === node.status) {
      this.#recheck(nodeId, decision.recheckAt);
      return;
    }
    this.#context.log("warn", "node missed its heartbeat", {
      node: node.name,
      is: decision.status,
    });
    unwrap(
      await this.#context.propose({
        tag: 11,
        nodeId,
        status: decision.status,
        event: nodeEvent(this.#context, "Cluster", "Node heartbeat missed"),
        evals: evalsForNode(state, nodeId, EvalTrigger.nodeUpdate, this.#context.random),
      }),
    );
    // A beat that came meanwhile has taken it out: then it must not come back.
    if (this.#rechecks.has(nodeId)) this.#recheck(nodeId, decision.recheckAt);
  }

  #recheck(nodeId: string, at: number | null): void {
    if (at === null) this.#rechecks.delete(nodeId);
    else this.#rechecks.set(nodeId, at);
  }
}
