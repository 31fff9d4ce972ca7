/** The text of one job: what it is, its groups, what was placed and what could not be. */
import type { CommandContext } from "../../command.ts";
import type { Doc } from "../../doc.ts";
import { keyValues, table } from "../../format/columns.ts";
import { shortId } from "../../format/ids.ts";
import { quote } from "../../format/quote.ts";
import { formatAgo, formatInstant } from "../../format/time.ts";
import { allocTable } from "../../output/alloc-table.ts";
import { deploymentBlock } from "../../output/deployment.ts";
import { hasFailures, placementFailureText } from "../../output/evaluation.ts";
import { jobStatusText } from "../../output/job-table.ts";
import { placementLines } from "../../output/placement.ts";
import { orFail } from "../../shared/errors.ts";
import type { JobName } from "../../shared/lookup.ts";
import { printParent } from "./show-parent.ts";

export async function printJob(context: CommandContext, name: JobName): Promise<void> {
  const { api, ui, flags } = context;
  const options = { params: { id: name.id }, query: { namespace: name.namespace } };
  const job = (await orFail("Error querying job", api.call("jobRead", options))).doc;
  ui.output(basics(job));
  if (flags.bool("short")) return;
  if (isParent(job)) await printParent(context, name, job);
  else await printDetails(context, name, job);
}

function isParent(job: Doc): boolean {
  return job.at("Periodic").exists || isParameterized(job);
}

/** A dispatched child keeps the block of its parent. */
function isParameterized(job: Doc): boolean {
  return job.at("ParameterizedJob").exists && !job.flag("Dispatched");
}

function basics(job: Doc): string {
  return keyValues([
    ["ID", job.text("ID")],
    ["Name", job.text("Name")],
    ["Submit Date", formatInstant(job.instant("SubmitTime"))],
    ["Type", job.text("Type")],
    ["Priority", String(job.num("Priority"))],
    ["Datacenters", job.texts("Datacenters").join(",")],
    ["Namespace", job.text("Namespace")],
    ["Node Pool", job.text("NodePool")],
    ["Status", jobStatusText(job)],
    ["Periodic", String(job.at("Periodic").exists)],
    ["Parameterized", String(isParameterized(job))],
    ...optional("Idempotency Token", job.text("DispatchIdempotencyToken")),
  ]);
}

function optional(key: string, value: string): [string, string][] {
  return value === "" ? [] : [[key, value]];
}

async function printDetails(context: CommandContext, name: JobName, job: Doc): Promise<void> {
  const { api, flags } = context;
  const options = { params: { id: name.id }, query: { namespace: name.namespace } };
  const all = { ...options, query: { all: flags.bool("all-allocs"), ...options.query } };
  const allocs = await orFail("Error querying job allocations", api.call("jobAllocations", all));
  const evals = await orFail("Error querying job evaluations", api.call("jobEvaluations", options));
  const latest = api.call("jobLatestDeployment", options);
  const deployment = await orFail("Error querying latest job deployment", latest);
  const summary = await orFail("Error querying job summary", api.call("jobSummary", options));
  printSummary(context, summary.doc);
  printEvaluations(context, evals.doc.list());
  await printRescheduling(context, allocs.doc.list());
  if (deployment.doc.exists) printDeployment(context, deployment.doc);
  printActions(context, job);
  section(context, "Allocations");
  const verbose = flags.bool("verbose");
  context.ui.output(allocTable(allocs.doc.list(), { verbose, now: context.now() }));
}

function section({ ui }: CommandContext, title: string): void {
  ui.output(`\n${ui.bold(title)}`);
}

function printSummary(context: CommandContext, summary: Doc): void {
  section(context, "Summary");
  const columns = ["Queued", "Starting", "Running", "Failed", "Complete", "Lost", "Unknown"];
  const rows = summary
    .entries("Summary")
    .map(([name, counts]) => [name, ...columns.map((column) => String(counts.num(column)))]);
  context.ui.output(table([["Task Group", ...columns], ...rows]));
}

function printEvaluations(context: CommandContext, evals: readonly Doc[]): void {
  const { ui, flags } = context;
  const verbose = flags.bool("verbose");
  const sorted = [...evals].sort((a, b) => b.num("CreateIndex") - a.num("CreateIndex"));
  if (verbose || flags.bool("evals")) {
    section(context, "Evaluations");
    const rows = sorted.map((evaluation) => [
      shortId(evaluation.text("ID"), verbose),
      String(evaluation.num("Priority")),
      evaluation.text("TriggeredBy"),
      evaluation.text("Status"),
      placementFailureText(evaluation),
    ]);
    ui.output(table([["ID", "Priority", "Triggered By", "Status", "Placement Failures"], ...rows]));
  }
  const failed = sorted.find(hasFailures);
  const waits = sorted.some((evaluation) => evaluation.text("Status") === "blocked");
  if (failed && waits) printPlacementFailure(context, failed);
}

function printPlacementFailure(context: CommandContext, evaluation: Doc): void {
  section(context, "Placement Failure");
  for (const [name, metric] of evaluation.entries("FailedTGAllocs")) {
    context.ui.output(
      [`Task Group ${quote(name)}:`, ...placementLines(metric, "  ", context.ui)].join("\n"),
    );
  }
}

/** Groups whose newest allocation will be tried again later. */
async function printRescheduling(context: CommandContext, allocs: readonly Doc[]): Promise<void> {
  const { api, ui, flags, now } = context;
  const newest = new Map<string, Doc>();
  for (const alloc of allocs) {
    const known = newest.get(alloc.text("TaskGroup"));
    if (!known || alloc.num("ModifyTime") > known.num("ModifyTime")) {
      newest.set(alloc.text("TaskGroup"), alloc);
    }
  }
  const waiting = [...newest].filter(([, alloc]) => alloc.text("FollowupEvalID") !== "").sort();
  const rows: string[][] = [];
  for (const [group, alloc] of waiting) {
    const id = alloc.text("FollowupEvalID");
    const read = api.call("evalRead", { params: { id }, query: { related: true } });
    const evaluation = (await orFail("Error querying evaluation", read)).doc;
    const at = evaluation.time("WaitUntil");
    if (at <= now()) continue;
    rows.push([group, shortId(id, flags.bool("verbose")), formatAgo(at, now())]);
  }
  if (rows.length === 0) return;
  section(context, "Future Rescheduling Attempts");
  ui.output(table([["Task Group", "Eval ID", "Eval Time"], ...rows]));
}

function printDeployment(context: CommandContext, deployment: Doc): void {
  const { ui, flags } = context;
  section(context, "Latest Deployment");
  ui.output(deploymentBlock(deployment, { ui, verbose: flags.bool("verbose"), withJob: false }));
}

function printActions(context: CommandContext, job: Doc): void {
  const rows = job
    .list("TaskGroups")
    .flatMap((group) =>
      group
        .list("Tasks")
        .flatMap((task) =>
          task
            .list("Actions")
            .map((action) => [action.text("Name"), group.text("Name"), task.text("Name")]),
        ),
    );
  if (rows.length === 0) return;
  section(context, "Actions");
  context.ui.output(table([["Action Name", "Task Group", "Task"], ...rows]));
}
