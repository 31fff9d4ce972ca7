/**
 * Hands evaluations to the scheduler one after another and commits what it plans (DESIGN §3). The
 * plan and the end of its evaluation share one log entry. While entries are on their way to the
 * disks, the next evaluations are decided, and checked against the plans in flight (DESIGN §7).
 * Memory only: leadership starts with everything pending and blocked in the state.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { DroverError, errorText, mintUuid, type Random } from "@drover/base";
import { BlockedEvals, EvalBroker, type Lease, verifyPlan } from "@drover/control";
import {
  type Allocation,
  EvalStatus,
  EvalTrigger,
  type Evaluation,
  isClientTerminal,
  isEvalTerminal,
  isNodeReady,
  isPlanEmpty,
  JobType,
  type Node,
  type Plan,
  type Reason,
} from "@drover/model";
import { type SchedulerResult, scheduleInSlices } from "@drover/scheduler";
import { CommandTag, type StateSnapshot } from "@drover/state";
import type { Applied, ServerContext } from "../context.ts";
import { unwrap } from "../operations/jobs.ts";
import { evalOutcome, namedFollowups } from "./eval-outcome.ts";
import { LeaderLoop, type LoopPass } from "./leader-loop.ts";
import { limitPlan } from "./limit-plan.ts";
import { newEval } from "./new-eval.ts";
import type { OneAtATime } from "./one-at-a-time.ts";

const TYPES = ["service", "batch", "system", "sysbatch"];
const ATTEMPTS: Readonly<Record<string, number>> = { service: 5, batch: 2, system: 5, sysbatch: 5 };
/** Well below the 8 MiB that an entry may have (DESIGN §5). */
const ENTRY_BYTES = 4 << 20;
/** Of one evaluation, whatever progress it makes: others wait for their turn. */
const ROUNDS_MAX = 1_000;
/** Entries on their way: more of them fill no flush better. */
const IN_FLIGHT_MAX = 64;
/** A decision that takes longer lets heartbeats through (DESIGN §7). */
const SLICE_MS = 2;
const FOLLOW_UP_MIN_MS = 60_000;
const FOLLOW_UP_SPREAD_MS = 300_000;

interface Ended {
  readonly evals: readonly Evaluation[];
  readonly token: string;
}

export class EvalLoop {
  readonly #context: ServerContext;
  readonly #turns: OneAtATime;
  readonly #loop: LeaderLoop;
  #broker = new EvalBroker();
  #blocked = new BlockedEvals();
  #leading = false;
  /** Taken from the broker and not written yet: kept until they are, under one token. */
  #ended: Ended | null = null;
  #isWritingEnded = false;
  /** Why they could not be written: the pass comes again. */
  #endedFailure: unknown = null;
  /** Writes whose outcome is open; none of them rejects. */
  readonly #inFlight = new Set<Promise<void>>();
  /** Plans that are on their way, or may be: the outcome of some is unknown. Oldest first. */
  #plans: readonly Plan[] = [];
  /** Grows with each leadership: what was decided in an earlier one is not proposed. */
  #leadership = 0;

  constructor(context: ServerContext, turns: OneAtATime) {
    this.#context = context;
    this.#turns = turns;
    this.#loop = new LeaderLoop({ name: "evaluations", pass: () => this.#pass() }, context);
  }

  start(): void {
    this.#broker = new EvalBroker();
    this.#blocked = new BlockedEvals();
    this.#leading = true;
    this.#leadership++;
    this.#ended = null;
    // What an earlier leader has set free is blocked again in the state: compare with the capacity
    // that came since each was blocked.
    for (const node of this.#context.store.snapshot().nodes()) {
      const index = Math.max(node.modifyIndex, node.lastAllocUpdateIndex);
      if (isNodeReady(node)) this.#capacity(node, index);
    }
    for (const evaluation of this.#context.store.snapshot().evaluations()) this.#take(evaluation);
    this.#loop.start();
  }

  stop(): void {
    this.#leading = false;
    this.#loop.stop();
  }

  applied(applied: Applied): void {
    if (!this.#leading) return;
    if (applied.command.tag === CommandTag.schedulerConfig) this.#loop.wake();
    for (const event of applied.events) {
      if (event.topic === "Evaluation") this.#take(event.payload as Evaluation);
      else if (event.topic === "Node") this.#nodeChanged(event.payload as Node, applied.index);
      else if (event.topic === "Allocation") {
        this.#allocChanged(event.payload as Allocation, applied.index);
      }
    }
  }

  stats() {
    return { ...this.#broker.stats(), blocked: this.#blocked.size };
  }

  /** What the queues know; null = it is in none of them. */
  why(evalId: string): Reason | null {
    return this.#broker.why(evalId) ?? this.#blocked.why(this.#context.store.snapshot(), evalId);
  }

  #take(evaluation: Evaluation): void {
    const now = this.#context.clock.now();
    if (isEvalTerminal(evaluation)) {
      this.#broker.forget(evaluation.id);
      this.#blocked.forget(evaluation.id);
      return;
    }
    const state = this.#context.store.snapshot();
    const isBlocked = evaluation.status === EvalStatus.blocked;
    const ready = isBlocked ? this.#blocked.block(evaluation, { now, state }) : true;
    if (ready) this.#free([evaluation]);
    else this.#loop.wake();
  }

  /** A blocked one that was set free is worked on as pending; the state learns the outcome. */
  #free(evals: readonly Evaluation[]): void {
    const now = this.#context.clock.now();
    for (const evaluation of evals) {
      const pending = { ...evaluation, status: EvalStatus.pending };
      if (evaluation.status === EvalStatus.blocked) this.#broker.setFree(pending, now);
      else this.#broker.enqueue(pending, now);
    }
    if (evals.length > 0) this.#loop.wake();
  }

  #nodeChanged(node: Node, index: number): void {
    if (!isNodeReady(node)) return;
    this.#capacity(node, index);
  }

  #allocChanged(alloc: Allocation, index: number): void {
    if (!isClientTerminal(alloc)) return;
    const node = this.#context.store.snapshot().node(alloc.nodeId);
    if (node) this.#capacity(node, index);
  }

  #capacity({ computedClass, id }: Node, index: number): void {
    const change = { index, nodeId: id, computedClass };
    this.#free(this.#blocked.capacityChanged(change, this.#context.store.snapshot()));
  }

  async #pass(): Promise<LoopPass> {
    if (this.#context.store.snapshot().schedulerConfig().pauseEvalBroker) return { wakeAt: null };
    const failure = this.#endedFailure;
    this.#endedFailure = null;
    if (failure !== null) throw failure;
    this.#writeEnded();
    while (this.#leading && this.#inFlight.size < IN_FLIGHT_MAX) {
      const now = this.#context.clock.now();
      this.#free(this.#blocked.due(now));
      const lease = this.#broker.dequeue(TYPES, now);
      if (!lease) break;
      await this.#work(lease);
      this.#writeEnded();
    }
    return { wakeAt: earliest(this.#broker.wakeAt(), this.#blocked.wakeAt()) };
  }

  /** Resolves when it is decided; its last entry may still be on its way. */
  async #work(lease: Lease): Promise<void> {
    const broker = this.#broker;
    const { evaluation, token } = lease;
    const failed = (error: unknown) => {
      this.#context.log("warn", "evaluation not processed", {
        eval: evaluation.id,
        job: evaluation.jobId,
        attempt: lease.attempt,
        error: errorText(error),
      });
      broker.nack(evaluation.id, token, this.#context.clock.now());
    };
    try {
      const { committed } = await this.#turns.overlap(() => this.#process(evaluation));
      this.#track(committed.then(() => void broker.ack(evaluation.id, token), failed));
    } catch (error) {
      failed(error);
    }
  }

  /**
   * Schedules until everything is accepted, with a fresh snapshot each time (spec §6.1). Only the
   * last entry is not waited for.
   */
  async #process(evaluation: Evaluation): Promise<{ readonly committed: Promise<void> }> {
    const attempts = ATTEMPTS[evaluation.type] ?? 1;
    let left = attempts;
    for (let round = 0; left > 0 && round < ROUNDS_MAX; round++) {
      if (this.#turns.isSettled) this.#plans = [];
      const state = this.#context.store.snapshot();
      const stored = state.evaluation(evaluation.id);
      if (stored && isEvalTerminal(stored)) return { committed: Promise.resolve() };
      const result = await this.#decide(evaluation, state);
      const newest = this.#context.store.snapshot();
      const verified = verifyPlan(limitPlan(result.plan, ENTRY_BYTES), newest, this.#plans);
      if (verified.kind === "part") {
        const because = verified.refusals.map(({ text }) => text);
        this.#context.log("debug", "plan refused in part", { eval: evaluation.id, because });
      }
      const done = verified.kind === "whole" && verified.plan === result.plan;
      const evals = done
        ? evalOutcome(evaluation, stored, result, state.index)
        : namedFollowups(verified.plan, result.followups);
      const committed = this.#commit(verified.plan, evals);
      if (done) return { committed };
      await committed;
      // What a node was taken by may be in flight: the next round has to see it.
      await this.#turns.settled();
      // What went through is progress: only standing still uses attempts up.
      left = isPlanEmpty(verified.plan) ? left - 1 : attempts;
    }
    const failed = exhausted(evaluation, attempts, this.#context.random);
    return { committed: this.#commit(null, failed) };
  }

  /** In slices: others get their turns in between, and leadership may be over after any. */
  async #decide(evaluation: Evaluation, state: StateSnapshot): Promise<SchedulerResult> {
    const { clock, random } = this.#context;
    const leadership = this.#leadership;
    const slices = scheduleInSlices({
      evaluation,
      state,
      now: Math.max(clock.now(), state.clock),
      random: random.fork(`${evaluation.id}/${state.index}`),
    });
    for (let from = clock.now(); ; ) {
      const { done, value } = slices.next();
      if (done) return value;
      if (clock.now() - from < SLICE_MS) continue;
      await nextTurn();
      if (!this.#leading || leadership !== this.#leadership) {
        throw new DroverError("no-leader", "leadership was lost", { retryable: true });
      }
      from = clock.now();
    }
  }

  async #commit(plan: Plan | null, evals: readonly Evaluation[]): Promise<void> {
    if (plan && !isPlanEmpty(plan)) {
      this.#plans = [...this.#plans, plan];
      unwrap(await this.#context.propose({ tag: 6, plan, evals }));
      // One that failed stays until that is certain: it may be applied yet.
      this.#plans = this.#plans.filter((each) => each !== plan);
    } else if (evals.length > 0) {
      unwrap(await this.#context.propose({ tag: 5, evals }));
    }
  }

  #track(write: Promise<void>): void {
    const tracked = write.finally(() => {
      this.#inFlight.delete(tracked);
      // Its job is free again, and there may have been no room.
      this.#loop.wake();
    });
    this.#inFlight.add(tracked);
  }

  /** What newer evaluations made needless, and what ran out of deliveries. One entry at a time. */
  #writeEnded(): void {
    if (this.#isWritingEnded || this.#endedFailure !== null) return;
    const canceled = this.#broker.takeSuperseded().map((evaluation) => ({
      ...evaluation,
      status: EvalStatus.canceled,
      statusDescription: "canceled after more recent eval was processed",
    }));
    const failed = this.#broker.takeFailed().flatMap((evaluation) => this.#failed(evaluation));
    const evals = [...(this.#ended?.evals ?? []), ...canceled, ...failed];
    if (evals.length === 0) return;
    if (this.#ended?.evals.length !== evals.length) {
      this.#ended = { evals, token: mintUuid(this.#context.random) };
    }
    this.#isWritingEnded = true;
    this.#track(this.#propose(this.#ended));
  }

  async #propose(ended: Ended): Promise<void> {
    try {
      unwrap(await this.#context.propose({ tag: 5, ...ended }));
      if (this.#ended === ended) this.#ended = null;
    } catch (error) {
      this.#endedFailure = error;
    } finally {
      this.#isWritingEnded = false;
    }
  }

  #failed(evaluation: Evaluation): Evaluation[] {
    const { random, clock } = this.#context;
    const next: Evaluation = {
      ...evaluation,
      id: mintUuid(random),
      triggeredBy: EvalTrigger.failedFollowUp,
      previousEval: evaluation.id,
      waitUntil: clock.now() + FOLLOW_UP_MIN_MS + random.int(FOLLOW_UP_SPREAD_MS),
      createIndex: 0,
      modifyIndex: 0,
    };
    const failed = {
      ...evaluation,
      status: EvalStatus.failed,
      statusDescription: "evaluation reached delivery limit (3)",
      nextEval: next.id,
    };
    return [failed, next];
  }
}

/**
 * The evaluation whose plans were refused again and again, and for service and batch jobs the one
 * that waits and tries once more (spec §6.1).
 */
export function exhausted(
  evaluation: Evaluation,
  attempts: number,
  random: Random,
): readonly Evaluation[] {
  const failed = {
    ...evaluation,
    status: EvalStatus.failed,
    statusDescription: `maximum attempts reached (${attempts})`,
  };
  if (evaluation.type !== JobType.service && evaluation.type !== JobType.batch) return [failed];
  const fields = { ...evaluation, triggeredBy: EvalTrigger.maxPlanAttempts };
  const blocked = {
    ...newEval(fields, random),
    status: EvalStatus.blocked,
    statusDescription: "created due to placement conflicts",
    previousEval: evaluation.id,
  };
  return [{ ...failed, blockedEval: blocked.id }, blocked];
}

function earliest(a: number | null, b: number | null): number | null {
  if (a === null) return b;
  return b === null ? a : Math.min(a, b);
}
