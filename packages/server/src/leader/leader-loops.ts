/** All loops of the leader: started with leadership, stopped with it (DESIGN §7). */
import { type Reason, type Subject, SubjectKind } from "@drover/model";
import type { ServerContext } from "../context.ts";
import type { ServerFsm } from "../fsm.ts";
import { unwrap } from "../operations/jobs.ts";
import { registerClientOperations } from "./client-operations.ts";
import { DeploymentLoop } from "./deployment-loop.ts";
import { DrainLoop } from "./drain-loop.ts";
import { EvalLoop } from "./eval-loop.ts";
import { GcLoop } from "./gc-loop.ts";
import { HeartbeatLoop } from "./heartbeat-loop.ts";
import type { LeaderCalls } from "./leader-call.ts";
import { OneAtATime } from "./one-at-a-time.ts";
import { StrandedLoop } from "./stranded-loop.ts";

export class LeaderLoops {
  readonly #context: ServerContext;
  readonly evals: EvalLoop;
  readonly #deployments: DeploymentLoop;
  readonly #drains: DrainLoop;
  readonly #heartbeats: HeartbeatLoop;
  readonly #stranded: StrandedLoop;
  readonly #gc: GcLoop;

  constructor(context: ServerContext, fsm: ServerFsm) {
    this.#context = context;
    // Both decide what a group can spare.
    const turns = new OneAtATime(async () => unwrap(await context.propose({ tag: 5, evals: [] })));
    this.evals = new EvalLoop(context, turns);
    this.#deployments = new DeploymentLoop(context);
    this.#drains = new DrainLoop(context, turns);
    this.#heartbeats = new HeartbeatLoop(context);
    this.#stranded = new StrandedLoop(context);
    this.#gc = new GcLoop(context);
    fsm.onApplied((applied) => {
      this.evals.applied(applied);
      this.#deployments.applied(applied);
      this.#drains.applied(applied);
      this.#heartbeats.applied(applied);
      this.#stranded.applied(applied);
    });
  }

  registerOperations(calls: LeaderCalls): void {
    registerClientOperations(this.#context, calls, this.#heartbeats);
    calls.register("why", async ({ subjects }: { readonly subjects: readonly Subject[] }) =>
      subjects.flatMap((subject) => this.#why(subject) ?? []),
    );
  }

  /** What only the leader's memory knows. */
  #why({ id, kind }: Subject): Reason | null {
    if (kind === SubjectKind.evaluation) return this.evals.why(id);
    return kind === SubjectKind.node ? this.#heartbeats.why(id) : null;
  }

  start(): void {
    this.#heartbeats.start();
    this.evals.start();
    this.#deployments.start();
    this.#drains.start();
    this.#stranded.start();
    this.#gc.start();
  }

  stop(): void {
    this.#gc.stop();
    this.#stranded.stop();
    this.#drains.stop();
    this.#deployments.stop();
    this.evals.stop();
    this.#heartbeats.stop();
  }
}
