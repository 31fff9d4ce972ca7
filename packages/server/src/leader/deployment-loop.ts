/** Carries out what is decided for each active deployment (spec chapter 4, DESIGN §7). */
import { decideDeployment } from "@drover/control";
import { type Deployment, isDeploymentActive } from "@drover/model";
import type { Applied, ServerContext } from "../context.ts";
import { unwrap } from "../operations/jobs.ts";
import { deploymentCommand } from "./deployment-command.ts";
import { actOnEach, LeaderLoop, type LoopPass } from "./leader-loop.ts";

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
      const { random } = this.#context;
      const command = deploymentCommand(decision, { deployment, state, random });
      if (command) {
        if (decision.kind === "fail") this.#tell(deployment, decision.statusDescription);
        unwrap(await this.#context.propose(command));
      }
      if ("wakeAt" in decision && decision.wakeAt !== null) {
        wakeAt = wakeAt === null ? decision.wakeAt : Math.min(wakeAt, decision.wakeAt);
      }
    });
    return { wakeAt };
  }

  #tell(deployment: Deployment, reason: string): void {
    this.#context.log("info", "deployment failed", {
      deployment: deployment.id,
      job: deployment.jobId,
      reason,
    });
  }
}
