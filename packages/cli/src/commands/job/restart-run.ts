/** The batches of `job restart`: one after the other, with pauses, questions and errors between. */
import { errorText, formatDuration, type Nanos, nanosToMs, parseDuration } from "@drover/base";
import { type CommandContext, CommandError } from "../../command.ts";
import type { Doc } from "../../doc.ts";
import { shortId } from "../../format/ids.ts";
import { quote } from "../../format/quote.ts";
import { formatInstant } from "../../format/time.ts";
import { orFail } from "../../shared/errors.ts";
import type { JobName } from "../../shared/lookup.ts";
import { PlacementMissing, RestartFailure, restartAlloc } from "./restart-alloc.ts";

export interface RestartPlan {
  /** Of a batch: allocations, or a percentage of them. */
  readonly size: number;
  readonly isPercent: boolean;
  readonly wait: Nanos;
  readonly asksBetween: boolean;
  readonly asksOnError: boolean;
}

/** As wide as `==> 2026-11-23T01:18:24Z: `, for the lines under one. */
const INDENT = " ".repeat("==> ".length);
const ENDED = new Set(["failed", "successful", "cancelled"]);

type Next = "proceed" | "stop" | "canceled";

export class Restart {
  readonly #context: CommandContext;
  readonly #job: JobName;
  readonly #plan: RestartPlan;
  /** Until who is asked between batches answers with a duration. */
  #asksBetween: boolean;
  #wait: Nanos;
  readonly #errors: Error[] = [];

  constructor(context: CommandContext, job: JobName, plan: RestartPlan) {
    this.#context = context;
    this.#job = job;
    this.#plan = plan;
    this.#asksBetween = plan.asksBetween;
    this.#wait = plan.wait;
  }

  /** The command's exit code. */
  async run(allocs: readonly Doc[]): Promise<number> {
    const { ui } = this.#context;
    this.#info(`Restarting ${counted(allocs.length, "allocation")}`);
    const next = await this.#runBatches(allocs);
    if (this.#errors.length > 0) {
      if (next !== "canceled") this.#info("Job restart finished with errors");
      throw new CommandError(`\n${errorList(this.#errors)}`);
    }
    if (next === "canceled") return 0;
    this.#info("Job restart finished");
    ui.output("\nJob restarted successfully!");
    return 0;
  }

  async #runBatches(allocs: readonly Doc[]): Promise<Next> {
    const { size, isPercent } = this.#plan;
    const batch = isPercent ? Math.ceil((allocs.length * size) / 100) : size;
    for (let at = 0; at < allocs.length; at += batch) {
      const some = allocs.slice(at, at + batch);
      if (batch > 1) {
        this.#info(`Restarting ${ordinal(at / batch + 1)} batch of ${some.length} allocations`);
      }
      const active = await this.#activeDeployment();
      if (active !== null) {
        this.#errors.push(active);
        return "stop";
      }
      const failed = await this.#runBatch(some);
      this.#errors.push(...failed);
      if (at + batch >= allocs.length) break;
      const next = await this.#afterBatch(failed);
      if (next !== "proceed") return next;
      if (this.#wait > 0) {
        const wait = formatDuration(this.#wait);
        this.#info(`Waiting ${wait} before restarting the next batch`);
        await this.#context.sleep(nanosToMs(this.#wait));
      }
    }
    return "stop";
  }

  /** A restart beside a deployment would be counted by it: the two wait for each other. */
  async #activeDeployment(): Promise<Error | null> {
    const { api, flags } = this.#context;
    const { id, namespace } = this.#job;
    const list = api.call("jobDeployments", { params: { id }, query: { all: true, namespace } });
    const failed = `Error retrieving deployments for job ${quote(id)}`;
    const deployments = (await orFail(failed, list)).doc.list();
    const active = deployments.find((one) => !ENDED.has(one.text("Status")));
    if (active === undefined) return null;
    const name = shortId(active.text("ID"), flags.bool("verbose"));
    return new CommandError(`Deployment ${quote(name)} is ${quote(active.text("Status"))}`);
  }

  async #runBatch(batch: readonly Doc[]): Promise<RestartFailure[]> {
    const outcomes = await Promise.allSettled(
      batch.map((alloc) => restartAlloc(this.#context, this.#job, alloc)),
    );
    return outcomes.flatMap((outcome) => {
      if (outcome.status === "fulfilled") return [];
      if (outcome.reason instanceof RestartFailure) return [outcome.reason];
      throw outcome.reason;
    });
  }

  async #afterBatch(failed: readonly RestartFailure[]): Promise<Next> {
    const { flags, ui, now } = this.#context;
    const again = failed.some((failure) => failure.cause instanceof PlacementMissing);
    if (failed.length > 0) {
      if (!this.#plan.asksOnError) {
        this.#info("Stopping job restart due to error");
        return "stop";
      }
      if (flags.bool("yes") && again) {
        this.#info("Stopping job restart due to unrecoverable error");
        return "stop";
      }
    }
    if (flags.bool("yes") || !(this.#asksBetween || failed.length > 0)) return "proceed";
    if (failed.length > 0) {
      const list = errorList(failed).replaceAll("\n", `\n${INDENT}`);
      ui.warn(ui.bold(`==> ${formatInstant(now())}: ${list}`));
    }
    if (await this.#mayProceed(failed.length > 0, again)) return "proceed";
    this.#info("Job restart canceled");
    return "canceled";
  }

  /** Asks until the answer can be understood; the end of the input is a no. */
  async #mayProceed(hasFailed: boolean, again: boolean): Promise<boolean> {
    const { ui, line, now } = this.#context;
    const question = again
      ? `The errors above are likely to happen again.\n${INDENT}` +
        "Ignore them anyway and proceed with the next batch?"
      : hasFailed
        ? "Ignore the errors above and proceed with the next batch?"
        : "Proceed with the next batch?";
    const choices = `${hasFailed ? "y/N" : "Y/n"}${this.#asksBetween ? "/<wait duration>" : ""}`;
    for (;;) {
      ui.write(`${ui.bold(`==> ${formatInstant(now())}: ${question} [${choices}]`)} `);
      const answer = await line();
      if (answer === null) return false;
      const word = answer.trim().toLowerCase();
      if (word === "") return !hasFailed;
      if (word === "y" || word === "yes") return true;
      if (word === "n" || word === "no") return false;
      const wait = parseDuration(word);
      if (this.#asksBetween && wait.ok) {
        this.#asksBetween = false;
        this.#wait = wait.nanos;
        this.#info(`Proceeding restarts with new wait time of ${formatDuration(wait.nanos)}`);
        return true;
      }
      ui.output(`${INDENT}Invalid answer ${quote(answer.trim())}`);
    }
  }

  #info(text: string): void {
    const { ui, now } = this.#context;
    ui.info(ui.bold(`==> ${formatInstant(now())}: ${text}`));
  }
}

function errorList(errors: readonly Error[]): string {
  const points = errors.map((error) => `* ${errorText(error).trim()}`);
  return `${counted(errors.length, "error")} occurred while restarting job:\n${points.join("\n")}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function ordinal(count: number): string {
  const teens = count % 100 >= 11 && count % 100 <= 13;
  const ending = teens ? "th" : (["th", "st", "nd", "rd"][count % 10] ?? "th");
  return `${count}${ending}`;
}
