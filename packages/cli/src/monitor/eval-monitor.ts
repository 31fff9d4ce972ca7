/**
 * Follows an evaluation until it is done, then the deployment it belongs to (spec chapter 7 §7.5).
 * Every command that makes an evaluation ends with it.
 */
import { formatDuration, msToNanos } from "@drover/base";
import type { CommandContext } from "../command.ts";
import type { Doc } from "../doc.ts";
import { shortId } from "../format/ids.ts";
import { quote } from "../format/quote.ts";
import { formatInstant } from "../format/time.ts";
import { failedGroupTitle, placementLines } from "../output/placement.ts";
import { orFail } from "../shared/errors.ts";
import { followDeployment } from "./deployment-monitor.ts";

const POLL_MS = 1_000;
const PLACEMENT_FAILED = 2;
const FINISHED: readonly string[] = ["complete", "failed", "canceled", "blocked"];

interface Seen {
  triggered: boolean;
  deploymentId: string;
  status: string;
  /** Client status of each allocation. */
  readonly allocs: Map<string, string>;
}

/** Exit code: 0 all went well, 1 it failed, 2 something could not be placed. */
export async function monitorEvaluation(
  context: CommandContext,
  evalId: string,
  options: { readonly verbose: boolean },
): Promise<number> {
  return await new EvalMonitor(context, options.verbose).run(evalId);
}

class EvalMonitor {
  readonly #context: CommandContext;
  readonly #verbose: boolean;

  constructor(context: CommandContext, verbose: boolean) {
    this.#context = context;
    this.#verbose = verbose;
  }

  async run(evalId: string): Promise<number> {
    this.#info(`Monitoring evaluation ${this.#id(evalId)}`);
    const seen: Seen = { triggered: false, deploymentId: "", status: "pending", allocs: new Map() };
    for (;;) {
      const evaluation = await this.#look(evalId, seen);
      if (FINISHED.includes(evaluation.text("Status"))) return await this.#finished(evaluation);
      await this.#context.sleep(POLL_MS);
    }
  }

  async #look(evalId: string, seen: Seen): Promise<Doc> {
    const { api } = this.#context;
    const params = { id: evalId };
    const read = api.call("evalRead", { params, query: { related: true } });
    const evaluation = (await orFail("Error reading evaluation", read)).doc;
    const allocs = await orFail(
      "Error reading allocations",
      api.call("evalAllocations", { params }),
    );
    this.#report(evaluation, allocs.doc.list(), seen);
    return evaluation;
  }

  #report(evaluation: Doc, allocs: readonly Doc[], seen: Seen): void {
    if (!seen.triggered) {
      seen.triggered = true;
      const nodeId = evaluation.text("NodeID");
      if (nodeId !== "") this.#line(`Evaluation triggered by node ${this.#id(nodeId)}`);
      else this.#line(`Evaluation triggered by job ${quote(evaluation.text("JobID"))}`);
    }
    const deploymentId = evaluation.text("DeploymentID");
    if (deploymentId !== "" && seen.deploymentId === "") {
      seen.deploymentId = deploymentId;
      this.#line(`Evaluation within deployment: ${this.#id(deploymentId)}`);
    }
    for (const alloc of allocs) this.#reportAlloc(alloc, evaluation, seen);
    const status = evaluation.text("Status");
    if (seen.status !== status) {
      this.#line(`Evaluation status changed: ${quote(seen.status)} -> ${quote(status)}`);
      seen.status = status;
    }
  }

  #reportAlloc(alloc: Doc, evaluation: Doc, seen: Seen): void {
    const id = alloc.text("ID");
    const status = alloc.text("ClientStatus");
    const before = seen.allocs.get(id);
    seen.allocs.set(id, status);
    const name = `Allocation ${this.#id(id)}`;
    if (before === undefined) {
      const isOld = alloc.num("CreateIndex") < evaluation.num("CreateIndex");
      if (!isOld && alloc.text("DesiredStatus") !== "run") return;
      const place = `node ${this.#id(alloc.text("NodeID"))}, group ${quote(alloc.text("TaskGroup"))}`;
      this.#line(`${name} ${isOld ? "modified" : "created"}: ${place}`);
    } else if (before !== status) {
      const why = alloc.text("ClientDescription");
      const change = `${quote(before)} -> ${quote(status)}`;
      this.#line(`${name} status changed: ${change}${why === "" ? "" : ` (${why})`}`);
    }
  }

  async #finished(evaluation: Doc): Promise<number> {
    const status = evaluation.text("Status");
    const id = this.#id(evaluation.text("ID"));
    const failed = evaluation.entries("FailedTGAllocs");
    const head = `Evaluation ${id} finished with status ${quote(status)}`;
    if (failed.length === 0) this.#info(head);
    else {
      this.#info(`${head} but failed to place all allocations:`);
      this.#reportFailures(evaluation, failed);
    }
    const next = evaluation.text("NextEval");
    if (next !== "") return await this.#next(evaluation, next);
    const deploymentId = evaluation.text("DeploymentID");
    if (deploymentId !== "") return await this.#followDeployment(deploymentId);
    if (failed.length > 0) return PLACEMENT_FAILED;
    return status === "failed" ? 1 : 0;
  }

  #reportFailures(evaluation: Doc, failed: readonly [string, Doc][]): void {
    const { ui } = this.#context;
    for (const [name, metric] of failed) {
      this.#line(failedGroupTitle(name, metric));
      for (const line of placementLines(metric, "      ", ui)) ui.output(line);
    }
    const blocked = evaluation.text("BlockedEval");
    if (blocked === "") return;
    const id = this.#id(blocked);
    this.#line(`Evaluation ${id} waiting for additional capacity to place remainder`);
  }

  async #followDeployment(deploymentId: string): Promise<number> {
    this.#info(`Monitoring deployment ${this.#id(deploymentId)}`);
    const status = await followDeployment(this.#context, deploymentId, {
      verbose: this.#verbose,
      wait: "",
      lead: "    ",
      index: 0,
      leavePaused: true,
    });
    return status === "successful" ? 0 : 1;
  }

  async #next(evaluation: Doc, next: string): Promise<number> {
    const waitMs = Math.max(0, evaluation.time("WaitUntil") - this.#context.now());
    const span = formatDuration(msToNanos(waitMs));
    this.#info(`Monitoring next evaluation ${this.#id(next)} in ${span}`);
    await this.#context.sleep(waitMs);
    return await this.run(next);
  }

  #id(id: string): string {
    return quote(shortId(id, this.#verbose));
  }

  #info(message: string): void {
    this.#context.ui.info(`==> ${formatInstant(this.#context.now())}: ${message}`);
  }

  #line(message: string): void {
    this.#context.ui.output(`    ${formatInstant(this.#context.now())}: ${message}`);
  }
}
