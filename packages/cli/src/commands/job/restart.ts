/** `job restart`: restarts a job's allocations, batch by batch (spec chapter 7 §7.9). */
import { parseDuration } from "@drover/base";
import { type Command, type CommandContext, CommandError, misuse, VERBOSE } from "../../command.ts";
import type { Doc } from "../../doc.ts";
import { shortId } from "../../format/ids.ts";
import { quote } from "../../format/quote.ts";
import { formatInstant } from "../../format/time.ts";
import { confirm } from "../../shared/confirm.ts";
import { orFail } from "../../shared/errors.ts";
import { findJob, type JobName } from "../../shared/lookup.ts";

export const jobRestartCommand: Command = {
  usage: "job restart [options] <job>",
  summary: "Restarts the allocations of a job",
  description:
    "Restarts the running tasks of a job's allocations in place, a batch at a time; with\n" +
    "-reschedule replaces the allocations instead.",
  flags: [
    { name: "all-tasks", kind: "bool", help: "Also tasks that have ended." },
    { name: "batch-size", kind: "string", default: "1", help: "How many at once; n or n%." },
    { name: "batch-wait", kind: "string", default: "0", help: "Pause between batches." },
    { name: "group", kind: "list", help: "Only this group; may be repeated." },
    { name: "no-shutdown-delay", kind: "bool", help: "Do not wait for shutdown delays." },
    { name: "on-error", kind: "string", default: "ask", help: "fail or ask." },
    { name: "reschedule", kind: "bool", help: "Replace the allocations." },
    { name: "task", kind: "list", help: "Only this task; may be repeated." },
    { name: "yes", kind: "bool", help: "Ask no questions." },
    VERBOSE,
  ],
  args: { min: 1, max: 1, message: "This command takes one argument: <job>" },
  async run(context) {
    const { flags, ui } = context;
    if (flags.bool("all-tasks") && flags.list("task").length > 0) {
      throw misuse("job restart", "The -all-tasks option is not allowed with -task");
    }
    const waitMs = batchWait(flags.string("batch-wait"));
    const job = await findJob(context, (context.args[0] as string).trim());
    const allocs = await allocsToRestart(context, job);
    if (allocs.length === 0) {
      ui.output("No allocations to restart");
      return 0;
    }
    if (!flags.bool("yes")) {
      const question = `Restart ${allocs.length} allocations of job ${quote(job.id)}? [y/N]`;
      if (!(await confirm(context, question))) return 1;
    }
    await new Restart(context, job).run(allocs, waitMs);
    return 0;
  },
};

function batchWait(text: string): number {
  if (text === "0") return 0;
  const parsed = parseDuration(text);
  if (parsed.ok && parsed.nanos >= 0) return parsed.nanos / 1e6;
  throw misuse("job restart", `Invalid -batch-wait value ${quote(text)}`);
}

async function allocsToRestart(context: CommandContext, job: JobName): Promise<Doc[]> {
  const { api, flags } = context;
  const { id, namespace } = job;
  const params = { id };
  await orFail("Error querying job", api.call("jobRead", { params, query: { namespace } }));
  const versions = { params, query: { diffs: false, namespace } };
  await orFail("Error retrieving job versions", api.call("jobVersions", versions));
  const list = api.call("jobAllocations", { params, query: { all: true, namespace } });
  const allocs = (await orFail("Error retrieving allocations", list)).doc.list();
  const groups = flags.list("group");
  const tasks = flags.list("task");
  return allocs.filter((alloc) => {
    const isOver = ["complete", "failed", "lost"].includes(alloc.text("ClientStatus"));
    if (isOver || alloc.text("DesiredStatus") !== "run") return false;
    const hasTask =
      tasks.length === 0 || tasks.some((task) => alloc.at("TaskStates").at(task).exists);
    return hasTask && (groups.length === 0 || groups.includes(alloc.text("TaskGroup")));
  });
}

function batchesOf(allocs: readonly Doc[], size: string): Doc[][] {
  const match = /^(\d+)(%?)$/.exec(size);
  const count = Number(match?.[1] ?? 0);
  const wanted = match?.[2] ? Math.ceil((allocs.length * count) / 100) : count;
  if (wanted < 1) throw misuse("job restart", `Invalid -batch-size value ${quote(size)}`);
  const batches: Doc[][] = [];
  for (let at = 0; at < allocs.length; at += wanted) batches.push(allocs.slice(at, at + wanted));
  return batches;
}

class Restart {
  readonly #context: CommandContext;
  readonly #job: JobName;

  constructor(context: CommandContext, job: JobName) {
    this.#context = context;
    this.#job = job;
  }

  async run(allocs: readonly Doc[], waitMs: number): Promise<void> {
    const { flags, ui } = this.#context;
    const batches = batchesOf(allocs, flags.string("batch-size"));
    const showsBatches = flags.string("batch-size") !== "1";
    this.#info(`Restarting ${allocs.length} allocations`);
    for (const [i, batch] of batches.entries()) {
      if (showsBatches)
        this.#info(`Restarting ${ordinal(i + 1)} batch of ${batch.length} allocations`);
      await this.#runBatch(batch);
      if (waitMs === 0 || i === batches.length - 1) continue;
      this.#info(`Waiting ${flags.string("batch-wait")} before restarting the next batch`);
      await this.#context.sleep(waitMs);
    }
    this.#info("Job restart finished");
    ui.output("\nJob restarted successfully!");
  }

  async #runBatch(batch: readonly Doc[]): Promise<void> {
    const all = { all: true, namespace: this.#job.namespace };
    const list = { params: { id: this.#job.id }, query: all };
    await orFail("Error checking deployments", this.#context.api.call("jobDeployments", list));
    const replace = this.#context.flags.bool("reschedule");
    await Promise.all(
      batch.map((alloc) => (replace ? this.#replace(alloc) : this.#restart(alloc))),
    );
  }

  async #restart(alloc: Doc): Promise<void> {
    const { api, flags } = this.#context;
    const tasks = flags.list("task");
    const allTasks = flags.bool("all-tasks");
    const id = alloc.text("ID");
    const what =
      tasks.length > 0
        ? `task ${tasks.map(quote).join(", ")}`
        : allTasks
          ? "all tasks"
          : "running tasks";
    this.#line(`Restarting ${what} in allocation ${this.#id(id)} for group ${this.#group(alloc)}`);
    for (const task of tasks.length > 0 ? tasks : [""]) {
      const body = { TaskName: task, AllTasks: allTasks };
      const query = { namespace: this.#job.namespace };
      const restart = api.call("clientAllocRestart", { params: { id }, query, body });
      await orFail(`Error restarting allocation ${this.#id(id)}`, restart);
    }
  }

  async #replace(alloc: Doc): Promise<void> {
    const { api, flags } = this.#context;
    const id = alloc.text("ID");
    const query = {
      namespace: this.#job.namespace,
      ...(flags.bool("no-shutdown-delay") ? { no_shutdown_delay: true } : {}),
    };
    this.#line(`Rescheduling allocation ${this.#id(id)} for group ${this.#group(alloc)}`);
    const stop = api.call("allocStop", { params: { id }, query });
    await orFail(`Error stopping allocation ${this.#id(id)}`, stop);
    const stopped = await this.#watch(id, (doc) => doc.text("NextAllocation") !== "");
    const next = stopped.text("NextAllocation");
    const replaced = `Allocation ${this.#id(id)} replaced by ${this.#id(next)}`;
    this.#line(`${replaced}, waiting for ${this.#id(next)} to start running`);
    const started = await this.#watch(next, (doc) => doc.text("ClientStatus") !== "pending");
    const status = started.text("ClientStatus");
    if (status !== "running") {
      throw new CommandError(`Allocation ${this.#id(next)} is ${quote(status)}`);
    }
    this.#line(`Allocation ${this.#id(next)} is ${quote(status)}`);
  }

  async #watch(id: string, isReached: (alloc: Doc) => boolean): Promise<Doc> {
    let index = 1;
    for (;;) {
      const query = { index, namespace: this.#job.namespace };
      const read = this.#context.api.call("allocRead", { params: { id }, query });
      const answer = await orFail(`Error monitoring allocation ${this.#id(id)}`, read);
      if (isReached(answer.doc)) return answer.doc;
      index = answer.index;
    }
  }

  #id(id: string): string {
    return quote(shortId(id, this.#context.flags.bool("verbose")));
  }

  #group(alloc: Doc): string {
    return quote(alloc.text("TaskGroup"));
  }

  #info(text: string): void {
    this.#context.ui.info(`==> ${formatInstant(this.#context.now())}: ${text}`);
  }

  #line(text: string): void {
    this.#context.ui.output(`    ${formatInstant(this.#context.now())}: ${text}`);
  }
}

function ordinal(count: number): string {
  const teens = count % 100 >= 11 && count % 100 <= 13;
  const ending = teens ? "th" : (["th", "st", "nd", "rd"][count % 10] ?? "th");
  return `${count}${ending}`;
}
