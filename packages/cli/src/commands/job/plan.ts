/** `job plan`: what a registration would do, without doing it (spec chapter 7 §7.2). */

import { formatDuration, msToNanos } from "@drover/base";
import { encodeInput, type JobInput, JobType, jobDiffFromWire, jobSchema } from "@drover/model";
import { exactAnswer } from "../../api-client.ts";
import { type Command, type CommandContext, CommandError, VERBOSE } from "../../command.ts";
import type { Doc } from "../../doc.ts";
import { prettyAnswer } from "../../exact-json.ts";
import { quote } from "../../format/quote.ts";
import { formatInstant } from "../../format/time.ts";
import { failedGroupTitle, placementLines } from "../../output/placement.ts";
import { renderJobDiff } from "../../output/plan-diff.ts";
import { preemptionTable } from "../../output/preemptions.ts";
import { plain } from "../../shared/api-forms.ts";
import { orFail } from "../../shared/errors.ts";
import { renderWith } from "../../shared/format.ts";
import { JOB_FILE_FLAGS, readJobFile } from "../../shared/job-file.ts";
import { printWarnings } from "../../shared/warnings.ts";

/** Scripts tell an error from "there are changes" by it. */
const ERROR_EXIT = 255;

export const jobPlanCommand: Command = {
  usage: "job plan [options] <path>",
  summary: "Shows what running a job file would change",
  description:
    "Asks the servers what registering the job would do: what differs from the running version,\n" +
    "what is placed and stopped first. Exit code 0: nothing to do; 1: allocations would be made\n" +
    "or destroyed; 255: an error.",
  flags: [
    { name: "diff", kind: "bool", default: "true", help: "Show what differs." },
    { name: "json-output", kind: "bool", help: "Print the server's answer as JSON." },
    { name: "t", kind: "string", help: "Print the answer through a Go template." },
    { name: "policy-override", kind: "bool", help: "Accepted for compatibility." },
    { name: "vault-namespace", kind: "string", help: "Vault namespace of the job." },
    VERBOSE,
    ...JOB_FILE_FLAGS,
  ],
  args: { min: 1, max: 1, message: "This command takes one argument: <path>" },
  misuseExit: ERROR_EXIT,
  async run(context) {
    const { flags, args, ui, api } = context;
    const path = args[0] as string;
    const { job, query } = await readJobFile(context, path, ERROR_EXIT);
    // The differences are always asked for: the exit code depends on them.
    const body = {
      Job: encodeInput(jobSchema, job),
      Diff: true,
      PolicyOverride: flags.bool("policy-override"),
      Region: "",
      Namespace: "",
      SecretID: "",
    };
    const params = { id: job.id ?? "" };
    const plan = api.call("jobPlan", { params, query, body });
    const answer = await orFail("Error during plan", plan, ERROR_EXIT);
    const template = flags.string("t");
    if (flags.bool("json-output") && template !== "") {
      throw new CommandError("Both json and template formatting are not allowed", ERROR_EXIT);
    }
    if (flags.bool("json-output")) ui.output(prettyAnswer(exactAnswer(answer)));
    else if (template === "") printPlan(context, answer.doc, { path, job });
    else ui.output(await renderWith(template, exactAnswer(answer), plain("*api.JobPlanResponse")));
    return exitCode(answer.doc);
  },
};

interface Planned {
  readonly path: string;
  readonly job: JobInput;
}

function printPlan(context: CommandContext, plan: Doc, planned: Planned): void {
  const { ui, flags } = context;
  const diff = plan.at("Diff");
  if (diff.exists && flags.bool("diff")) {
    const style = { ui, verbose: flags.bool("verbose") };
    ui.output(renderJobDiff(jobDiffFromWire(diff.json), style));
    ui.output("");
  }
  ui.output(ui.bold("Scheduler dry-run:"));
  ui.output(dryRun(context, plan, planned.job.type ?? null));
  ui.output("");
  printWarnings(ui, plan.text("Warnings"));
  const preempted = preemptionTable(plan.at("Annotations").list("PreemptedAllocs"));
  if (preempted !== "") ui.output(`${ui.bold("Preemptions:")}\n${preempted}\n`);
  ui.output(nextStep(context, plan.num("JobModifyIndex"), planned.path));
}

function nextStep({ ui, flags }: CommandContext, index: number, path: string): string {
  const vars = [
    ...flags.list("var").map((value) => `-var=${quote(value)} `),
    ...flags.list("var-file").map((value) => `-var-file=${quote(value)} `),
  ].join("");
  return [
    ui.bold(`Job Modify Index: ${index}`),
    "To submit the job with version verification run:",
    "",
    `drover job run -check-index ${index} ${vars}${path}`,
    "",
    "When running the job with the check-index flag, the job will only be run if the",
    "job modify index given matches the server-side version. If the index has",
    "changed, another user has modified the job and the plan's results are",
    "potentially invalid.",
  ].join("\n");
}

function dryRun({ ui, now }: CommandContext, plan: Doc, jobType: string | null): string {
  const failed = plan.entries("FailedTGAllocs");
  const bold = ui.open("bold");
  const lines: string[] = [];
  if (failed.length === 0) {
    lines.push(`${bold}${ui.paint("green", "- All tasks successfully allocated.")}`);
  } else {
    const missed = jobType === JobType.system ? "allocations on all nodes" : "all allocations";
    const warning = `- WARNING: Failed to place ${missed}.`;
    lines.push(`${bold}${ui.paint("yellow", warning)}`);
    for (const [name, metric] of failed) {
      lines.push(`  ${ui.paint("yellow", failedGroupTitle(name, metric))}`);
      lines.push(ui.paint("yellow", placementLines(metric, "    ", ui).join("\n")));
    }
  }
  const next = plan.time("NextPeriodicLaunch");
  if (next !== 0) {
    const seconds = Math.max(0, Math.floor((next - now()) / 1000));
    const span = formatDuration(msToNanos(seconds * 1000));
    const when = `${formatInstant(next)} (${span} from now)`;
    lines.push(`- If submitted now, next periodic launch would be at ${when}.`);
  }
  return lines.join("\n");
}

/** 1 when allocations would be made or destroyed; in-place updates count as nothing. */
function exitCode(plan: Doc): number {
  if (plan.at("Diff").text("Type") === "None") return 0;
  const counted = ["Stop", "Place", "Migrate", "DestructiveUpdate", "Canary"];
  const groups = plan.at("Annotations").entries("DesiredTGUpdates");
  return groups.some(([, group]) => counted.some((name) => group.num(name) > 0)) ? 1 : 0;
}
