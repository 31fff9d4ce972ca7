/** `job scale`: changes how many allocations a group has (spec chapter 7 §7.9). */
import { type Command, CommandError, DETACH, VERBOSE } from "../../command.ts";
import type { Doc } from "../../doc.ts";
import { quote } from "../../format/quote.ts";
import { monitorEvaluation } from "../../monitor/eval-monitor.ts";
import { orFail } from "../../shared/errors.ts";
import { findJob } from "../../shared/lookup.ts";
import { parseCheckIndex } from "../../shared/numbers.ts";
import { printWarnings } from "../../shared/warnings.ts";

export const jobScaleCommand: Command = {
  usage: "job scale [options] <job> [<group>] <count>",
  summary: "Changes the count of a group",
  description: "Changes the count of a group; its name may be left out where there is only one.",
  flags: [
    { name: "check-index", kind: "string", help: "Only if the job's modify index is this one." },
    DETACH,
    VERBOSE,
  ],
  args: {
    min: 2,
    max: 3,
    message: "Command requires at least two arguments and no more than three",
    helpFor: null,
  },
  async run(context) {
    const { api, args, flags, ui } = context;
    const count = countOf(args.at(-1) as string);
    const { id, namespace } = await findJob(context, (args[0] as string).trim());
    const options = { params: { id }, query: { namespace } };
    const status = await orFail("Error querying job", api.call("jobScaleStatus", options));
    const group = groupOf(status.doc, args.length === 3 ? (args[1] as string) : null);
    const index = parseCheckIndex(context);
    const body = {
      Count: count,
      Target: { Group: group, Job: id },
      Message: "submitted using the Nomad CLI",
      Error: false,
      Meta: null,
      Region: "",
      Namespace: "",
      SecretID: "",
      PolicyOverride: false,
      JobModifyIndex: index ?? 0,
      ...(index === null ? {} : { EnforceIndex: true }),
    };
    const scale = api.call("jobScale", { ...options, body });
    const { doc } = await orFail("Error submitting scaling request", scale);
    printWarnings(ui, doc.text("Warnings"));
    const job = await orFail("Error querying job", api.call("jobRead", options));
    const evalId = doc.text("EvalID");
    const parent = job.doc.at("Periodic").exists || job.doc.at("ParameterizedJob").exists;
    if (!flags.bool("detach") && !parent && evalId !== "") {
      return await monitorEvaluation(context, evalId, { verbose: flags.bool("verbose") });
    }
    ui.output("Job scale successful");
    if (evalId !== "") ui.output(`Evaluation ID: ${evalId}`);
    return 0;
  },
};

function countOf(text: string): number {
  if (/^[-+]?\d+$/.test(text)) return Number(text);
  throw new CommandError(
    `Failed to convert count string to int: strconv.Atoi: parsing ${quote(text)}: invalid syntax`,
  );
}

function groupOf(status: Doc, wanted: string | null): string {
  const groups = status.entries("TaskGroups").map(([name]) => name);
  if (wanted !== null) {
    if (groups.includes(wanted)) return wanted;
    throw new CommandError(`Group ${wanted} not found within job`);
  }
  const [only] = groups;
  if (only === undefined || groups.length > 1) {
    throw new CommandError("Group name required for jobs with more than one group");
  }
  return only;
}
