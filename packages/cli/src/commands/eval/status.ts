/** `eval status`: what an evaluation came to (spec chapter 7 §7.12). */

import { exactAnswer } from "../../api-client.ts";
import {
  type Command,
  type CommandContext,
  FORMAT_FLAGS,
  OPEN_UI,
  VERBOSE,
} from "../../command.ts";
import type { Doc } from "../../doc.ts";
import { keyValues, table } from "../../format/columns.ts";
import { shortId } from "../../format/ids.ts";
import { formatAgo, formatWhen } from "../../format/time.ts";
import { monitorEvaluation } from "../../monitor/eval-monitor.ts";
import { allocTable } from "../../output/alloc-table.ts";
import { placementFailureText } from "../../output/evaluation.ts";
import { failedGroupTitle, placementLines } from "../../output/placement.ts";
import { EVALUATION } from "../../shared/api-forms.ts";
import { orFail } from "../../shared/errors.ts";
import { printData, wantsData } from "../../shared/format.ts";
import { printHint } from "../../shared/hint.ts";
import { findEval } from "../../shared/lookup.ts";

export const evalStatusCommand: Command = {
  usage: "eval status [options] <evaluation>",
  summary: "Shows an evaluation",
  description: "Shows an evaluation and what it placed; with -monitor follows it.",
  flags: [
    { name: "monitor", kind: "bool", help: "Follow it to its end." },
    OPEN_UI,
    VERBOSE,
    ...FORMAT_FLAGS,
  ],
  args: { min: 1, max: 1, message: "This command takes one argument" },
  async run(context) {
    const { api, args, flags } = context;
    const verbose = flags.bool("verbose");
    const id = (await findEval(context, args[0] as string)).text("ID");
    if (flags.bool("monitor")) return await monitorEvaluation(context, id, { verbose });
    const read = api.call("evalRead", { params: { id }, query: { related: true } });
    const answer = await orFail("Error querying evaluation", read);
    if (wantsData(context)) return await printData(context, exactAnswer(answer), EVALUATION);
    const list = api.call("evalAllocations", { params: { id } });
    const allocs = (await orFail("Error querying allocations", list)).doc.list();
    printEvaluation(context, answer.doc, allocs);
    const path = `/ui/evaluations?currentEval=${id}`;
    await printHint(context, "View evaluation details in the Web UI", path);
    return 0;
  },
};

function printEvaluation(context: CommandContext, evaluation: Doc, allocs: readonly Doc[]): void {
  const { ui, flags, now } = context;
  const verbose = flags.bool("verbose");
  const section = (title: string, text: string) => ui.output(`\n${ui.bold(title)}\n${text}`);
  ui.output(basics(context, evaluation));
  const related = relatedTable(evaluation, verbose);
  if (related !== "") section("Related Evaluations", related);
  const annotations = annotationsTable(evaluation, verbose);
  if (annotations !== "") section("Plan Annotations", annotations);
  if (allocs.length > 0) {
    section("Placed Allocations", allocTable(allocs, { verbose, now: now() }));
  }
  const failed = evaluation.entries("FailedTGAllocs");
  if (failed.length === 0) return;
  const lines = failed.flatMap(([name, metric]) => [
    failedGroupTitle(name, metric),
    ...placementLines(metric, "  ", ui),
  ]);
  section("Failed Placements", lines.join("\n"));
  const blocked = evaluation.text("BlockedEval");
  if (blocked === "") return;
  const id = shortId(blocked, verbose);
  ui.output(`\nEvaluation "${id}" waiting for additional capacity to place remainder`);
}

function basics({ flags, now }: CommandContext, evaluation: Doc): string {
  const verbose = flags.bool("verbose");
  const when = { verbose, now: now() };
  const id = (name: string) => shortId(evaluation.text(name), verbose);
  const status = evaluation.text("Status");
  const pairs: [string, string][] = [
    ["ID", id("ID")],
    ["Create Time", formatWhen(evaluation.instant("CreateTime"), when)],
    ["Modify Time", formatWhen(evaluation.instant("ModifyTime"), when)],
    ["Status", status],
    ["Status Description", evaluation.text("StatusDescription") || status],
    ["Type", evaluation.text("Type")],
    ["TriggeredBy", evaluation.text("TriggeredBy")],
    ["Job ID", evaluation.text("JobID")],
    ["Namespace", evaluation.text("Namespace")],
  ];
  if (evaluation.text("NodeID") !== "") pairs.push(["Node ID", id("NodeID")]);
  pairs.push(["Priority", String(evaluation.num("Priority"))]);
  pairs.push(["Placement Failures", placementFailureText(evaluation)]);
  const wait = evaluation.time("WaitUntil");
  if (wait > now()) pairs.push(["Wait Until", formatAgo(wait, now())]);
  if (evaluation.text("QuotaLimitReached") !== "") {
    pairs.push(["Quota Limit Reached", evaluation.text("QuotaLimitReached")]);
  }
  pairs.push(["Previous Eval", id("PreviousEval")]);
  pairs.push(["Next Eval", id("NextEval")]);
  pairs.push(["Blocked Eval", id("BlockedEval")]);
  return keyValues(pairs);
}

function relatedTable(evaluation: Doc, verbose: boolean): string {
  const related = evaluation.list("RelatedEvals");
  if (related.length === 0) return "";
  const rows = related.map((other) => [
    shortId(other.text("ID"), verbose),
    String(other.num("Priority")),
    other.text("TriggeredBy"),
    shortId(other.text("NodeID"), verbose),
    other.text("Status"),
    other.text("StatusDescription"),
  ]);
  const header = ["ID", "Priority", "Triggered By", "Node ID", "Status", "Description"];
  return table([header, ...rows]);
}

/** Title and member of each column; the second list is for -verbose. */
const ANNOTATIONS: readonly (readonly [title: string, member: string])[] = [
  ["Ignore", "Ignore"],
  ["Place", "Place"],
  ["Stop", "Stop"],
  ["InPlace", "InPlaceUpdate"],
  ["Destructive", "DestructiveUpdate"],
];
const MORE_ANNOTATIONS: readonly (readonly [title: string, member: string])[] = [
  ["Migrate", "Migrate"],
  ["Canary", "Canary"],
  ["Preemptions", "Preemptions"],
  ["Reschedule Now", "RescheduleNow"],
  ["Reschedule Later", "RescheduleLater"],
  ["Disconnect", "Disconnect"],
  ["Reconnect", "Reconnect"],
];

function annotationsTable(evaluation: Doc, verbose: boolean): string {
  const groups = evaluation.at("PlanAnnotations").entries("DesiredTGUpdates");
  if (groups.length === 0) return "";
  const columns = verbose ? [...ANNOTATIONS, ...MORE_ANNOTATIONS] : ANNOTATIONS;
  const rows = groups.map(([name, counts]) => [
    name,
    ...columns.map(([, member]) => String(counts.num(member))),
  ]);
  return table([["Task Group", ...columns.map(([title]) => title)], ...rows]);
}
