/** `job restart`: restarts a job's allocations, batch by batch (spec chapter 7 §7.9). */
import { parseDuration } from "@drover/base";
import { type Command, type CommandContext, misuse, VERBOSE } from "../../command.ts";
import type { Doc } from "../../doc.ts";
import { shortId } from "../../format/ids.ts";
import { quote } from "../../format/quote.ts";
import { formatInstant } from "../../format/time.ts";
import { orFail } from "../../shared/errors.ts";
import { findJob, type JobName } from "../../shared/lookup.ts";
import { Restart, type RestartPlan } from "./restart-run.ts";

export const jobRestartCommand: Command = {
  usage: "job restart [options] <job>",
  summary: "Restarts the allocations of a job",
  description:
    "Restarts the running tasks of a job's allocations in place, a batch at a time; with\n" +
    "-reschedule replaces the allocations instead. An error ends it, or is asked about; with -yes\n" +
    "the next batch follows all the same.",
  flags: [
    { name: "all-tasks", kind: "bool", help: "Also tasks that have ended." },
    { name: "batch-size", kind: "string", default: "1", help: "How many at once; n or n%." },
    { name: "batch-wait", kind: "string", default: "0", help: "Pause between batches, or ask." },
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
    const plan = planOf(context);
    const job = await findJob(context, (context.args[0] as string).trim());
    const allocs = await allocsToRestart(context, job);
    if (allocs.length === 0) {
      context.ui.output("No allocations to restart");
      return 0;
    }
    return await new Restart(context, job, plan).run(allocs);
  },
};

function planOf({ flags, ui }: CommandContext): RestartPlan {
  const refuse = (message: string) => misuse("job restart", message);
  const size = sizeOf(flags.string("batch-size"));
  const mustAsk = (flag: string): Error =>
    refuse(`Invalid -${flag} value "ask": "ask" cannot be used when terminal is not interactive`);
  const canAsk = ui.isTerminal || flags.bool("yes");
  const wait = flags.string("batch-wait");
  const asksBetween = wait.toLowerCase() === "ask";
  if (asksBetween && !canAsk) throw mustAsk("batch-wait");
  const parsed = parseDuration(asksBetween ? "0" : wait);
  if (!parsed.ok) throw refuse(`Invalid -batch-wait value ${quote(wait)}: ${parsed.message}`);
  const onError = flags.string("on-error");
  if (onError !== "ask" && onError !== "fail") {
    const valid = 'valid options are "ask" and "fail"';
    throw refuse(`Invalid -on-error value ${quote(onError)}: ${valid}`);
  }
  if (onError === "ask" && !canAsk) throw mustAsk("on-error");
  if (flags.list("task").length > 0) {
    for (const other of ["all-tasks", "reschedule"]) {
      if (flags.bool(other)) throw refuse(`The -${other} option cannot be used with -task`);
    }
  }
  return { ...size, wait: parsed.nanos, asksBetween, asksOnError: onError === "ask" };
}

function sizeOf(text: string): { readonly size: number; readonly isPercent: boolean } {
  const refuse = (reason: string) =>
    misuse("job restart", `Invalid -batch-size value ${quote(text)}: ${reason}`);
  const match = /^(\d+)(%?)$/.exec(text);
  if (!match) throw refuse("batch size must be an integer or a percentage");
  const size = Number(match[1]);
  if (size === 0) throw refuse("number value must be greater than zero");
  return { size, isPercent: match[2] === "%" };
}

async function allocsToRestart(context: CommandContext, job: JobName): Promise<Doc[]> {
  const { api, flags, ui, now } = context;
  const { id, namespace } = job;
  const params = { id };
  const failed = (what: string) => `Error retrieving ${what} job ${quote(id)}`;
  await orFail("Error querying job", api.call("jobRead", { params, query: { namespace } }));
  const versions = api.call("jobVersions", { params, query: { diffs: false, namespace } });
  const jobs = (await orFail(failed("versions of"), versions)).doc.list("Versions");
  const list = api.call("jobAllocations", { params, query: { all: true, namespace } });
  const allocs = (await orFail(failed("allocations for"), list)).doc.list();
  const groups = flags.list("group");
  const tasks = flags.list("task");
  return allocs.filter((alloc) => {
    const reason = skipReason(alloc, jobs, { groups, tasks });
    if (reason === null) return true;
    const name = quote(shortId(alloc.text("ID"), flags.bool("verbose")));
    if (flags.bool("verbose")) {
      ui.output(`    ${formatInstant(now())}: Skipping allocation ${name} because ${reason}`);
    }
    return false;
  });
}

function skipReason(
  alloc: Doc,
  jobs: readonly Doc[],
  only: { readonly groups: readonly string[]; readonly tasks: readonly string[] },
): string | null {
  const status = alloc.text("ClientStatus");
  const desired = alloc.text("DesiredStatus");
  const isOver = ["complete", "failed", "lost"].includes(status);
  if (isOver || desired !== "run") {
    return `desired status is ${quote(desired)} and client status is ${quote(status)}`;
  }
  if (only.groups.length > 0 && !only.groups.includes(alloc.text("TaskGroup"))) {
    return "it doesn't have any of requested groups";
  }
  if (only.tasks.length === 0 || only.tasks.some((task) => hasTask(alloc, jobs, task))) return null;
  return "it doesn't have any of requested tasks";
}

/** One that its client has not told of yet has the tasks of its version of the job. */
function hasTask(alloc: Doc, jobs: readonly Doc[], name: string): boolean {
  if (alloc.at("TaskStates").at(name).exists) return true;
  const job = jobs.find((one) => one.num("Version") === alloc.num("JobVersion"));
  const group = job?.list("TaskGroups").find((one) => one.text("Name") === alloc.text("TaskGroup"));
  return group?.list("Tasks").some((task) => task.text("Name") === name) ?? false;
}
