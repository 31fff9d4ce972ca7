/** `eval list` (spec chapter 7 §7.12). */

import { exactAnswer } from "../../api-client.ts";
import { type Command, FORMAT_FLAGS, OPEN_UI, VERBOSE } from "../../command.ts";
import { table } from "../../format/columns.ts";
import { shortId } from "../../format/ids.ts";
import { placementFailureText } from "../../output/evaluation.ts";
import { EVALUATION, listOf, newestFirst } from "../../shared/api-forms.ts";
import { orFail } from "../../shared/errors.ts";
import { printData, wantsData } from "../../shared/format.ts";
import { printHint } from "../../shared/hint.ts";
import { PAGE_FLAGS, pageQuery, printPageHint } from "../../shared/pages.ts";

export const evalListCommand: Command = {
  usage: "eval list [options]",
  summary: "Lists the evaluations",
  description: "Lists the evaluations, newest first.",
  flags: [
    { name: "job", kind: "string", help: "Only those of this job." },
    { name: "status", kind: "string", help: "Only those with this status." },
    OPEN_UI,
    VERBOSE,
    ...PAGE_FLAGS,
    ...FORMAT_FLAGS,
  ],
  args: { min: 0, max: 0, message: "This command takes no arguments" },
  async run(context) {
    const { api, flags, ui } = context;
    const query = {
      ...pageQuery(flags),
      ...(flags.has("job") ? { job: flags.string("job") } : {}),
      ...(flags.has("status") ? { status: flags.string("status") } : {}),
    };
    const answer = await orFail("Error querying evaluations", api.call("evalList", { query }));
    if (wantsData(context)) {
      return await printData(context, newestFirst(exactAnswer(answer)), listOf(EVALUATION));
    }
    const evals = answer.doc.list().sort((a, b) => b.num("CreateIndex") - a.num("CreateIndex"));
    if (evals.length === 0) ui.output("No evals found");
    else {
      const verbose = flags.bool("verbose");
      const rows = evals.map((evaluation) => [
        shortId(evaluation.text("ID"), verbose),
        String(evaluation.num("Priority")),
        evaluation.text("TriggeredBy"),
        evaluation.text("JobID"),
        evaluation.text("Namespace"),
        shortId(evaluation.text("NodeID"), verbose),
        evaluation.text("Status"),
        placementFailureText(evaluation),
      ]);
      const subject = ["Job ID", "Namespace", "Node ID"];
      const header = ["ID", "Priority", "Triggered By", ...subject, "Status", "Placement Failures"];
      ui.output(table([header, ...rows]));
    }
    printPageHint(context, answer.nextToken);
    await printHint(context, "View evaluations in the Web UI", "/ui/evaluations");
    return 0;
  },
};
