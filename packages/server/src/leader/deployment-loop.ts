/** Carries out what is decided for each active deployment (spec chapter 4, DESIGN §7). */
import { type DeploymentDecision, decideDeployment } from "@drover/control";
import {
  type Deployment,
  DeploymentStatus,
  EvalTrigger,
  type Evaluation,
  isDeploymentActive,
} from "@drover/model";
import type { Applied, ServerContext } from "../context.ts";
import { unwrap } from "../operations/jobs.ts";
import { actOnEach, LeaderLoop, type LoopPass } from "./leader-loop.ts";
import { evalForJob } from "./new-eval.ts";

export class DeploymentLoop {
  readonly #context: ServerContext;
  readonly #loop: LeaderLoop;

  constructor(context: ServerContext) {
    this.#context = context;
    this.#loop = new LeaderLoop({ name: "deployments", pass: () => this.#pass() }, context);
  }

  start(): void {
    this.#loop.start();
  }

  stop(): void {
    this.#loop.stop();
  }

  applied(applied: Applied): void {
    const relevant = applied.events.some(
      (event) =>
        event.topic === "Deployment" ||
        event.topic === "Allocation" ||
        event.topic === "Evaluation",
    );
    if (relevant) this.#loop.wake();
  }

  async #pass(): Promise<LoopPass> {
    let wakeAt: number | null = null;
    await actOnEach([...this.#context.store.snapshot().deployments()], async ({ id }) => {
      const state = this.#context.store.snapshot();
      const deployment = state.deployment(id);
      if (!deployment || !isDeploymentActive(deployment)) return;
      const now = Math.max(this.#context.clock.now(), state.clock);
      const decision = decideDeployment({ deploymentId: id, now }, state);
      await this.#act(deployment, decision);
      if ("wakeAt" in decision && decision.wakeAt !== null) {
        wakeAt = wakeAt === null ? decision.wakeAt : Math.min(wakeAt, decision.wakeAt);
      }
    });
    return { wakeAt };
  }

  async #act(deployment: Deployment, decision: DeploymentDecision): Promise<void> {
    switch (decision.kind) {
      case "ended":
      case "wait":
        return;
      case "continue": {
        const evaluation = this.#eval(deployment);
        if (!evaluation) return;
        const transitions = Object.fromEntries(
          decision.reschedule.map((id) => [id, { reschedule: true }]),
        );
        const evals = [evaluation];
        unwrap(
          decision.reschedule.length > 0
            ? await this.#context.propose({ tag: 8, transitions, evals })
            : await this.#context.propose({ tag: 5, evals }),
        );
        return;
      }
      case "promote":
        unwrap(
          await this.#context.propose({
            tag: 15,
            deploymentId: deployment.id,
            groups: decision.groups,
            evaluation: this.#eval(deployment),
          }),
        );
        return;
      case "fail":
        this.#context.log("info", "deployment failed", {
          deployment: deployment.id,
          job: deployment.jobId,
          reason: decision.statusDescription,
        });
        unwrap(
          await this.#context.propose({
            tag: 14,
            deploymentId: deployment.id,
            status: DeploymentStatus.failed,
            statusDescription: decision.statusDescription,
            evaluation: this.#eval(deployment),
            revertTo: decision.revertTo,
          }),
        );
    }
  }

  #eval(deployment: Deployment): Evaluation | null {
    const job = this.#context.store
      .snapshot()
      .job({ namespace: deployment.namespace, id: deployment.jobId });
    if (!job) return null;
    return evalForJob(job, EvalTrigger.deploymentWatcher, this.#context.random, {
      deploymentId: deployment.id,
      priority: deployment.evalPriority || job.priority,
    });
  }
}
