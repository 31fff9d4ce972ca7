/** `job inspect`: a job as the servers hold it (spec chapter 7 §7.9). */

import type { Json } from "@drover/model";
import { exactAnswer } from "../../api-client.ts";
import { type Command, type CommandContext, CommandError, FORMAT_FLAGS } from "../../command.ts";
import { Doc } from "../../doc.ts";
import { prettyAnswer } from "../../exact-json.ts";
import { quote } from "../../format/quote.ts";
import { applyForm, JOB } from "../../shared/api-forms.ts";
import { orFail } from "../../shared/errors.ts";
import { printData } from "../../shared/format.ts";
import { findJob, type JobName } from "../../shared/lookup.ts";
import { parseVersion } from "../../shared/numbers.ts";

export const jobInspectCommand: Command = {
  usage: "job inspect [options] <job>",
  summary: "Prints a job as JSON",
  description: "Prints the job as the servers hold it, or with -hcl the file it was submitted as.",
  flags: [
    { name: "version", kind: "string", default: "current", help: "The version to print." },
    { name: "hcl", kind: "bool", help: "Print the submitted job file." },
    { name: "with-vars", kind: "bool", help: "With -hcl: print the variables too." },
    ...FORMAT_FLAGS,
  ],
  args: { min: 1, max: 1, message: "This command takes one argument: <job>" },
  async run(context) {
    const { flags, ui } = context;
    const name = await findJob(context, (context.args[0] as string).trim());
    const version = flags.has("version") ? parseVersion(flags.string("version")) : null;
    if (flags.bool("hcl")) return await printSubmission(context, name, version);
    const job = version === null ? await current(context, name) : await old(context, name, version);
    if (flags.string("t") !== "") return await printData(context, job, JOB);
    ui.output(prettyAnswer({ Job: applyForm(job, JOB) }));
    return 0;
  },
};

async function current({ api }: CommandContext, { id, namespace }: JobName): Promise<Json> {
  const read = api.call("jobRead", { params: { id }, query: { namespace } });
  return exactAnswer(await orFail("Error inspecting job", read));
}

async function old(
  { api }: CommandContext,
  { id, namespace }: JobName,
  version: number,
): Promise<Json> {
  const query = { diffs: false, namespace };
  const answer = await orFail(
    "Error inspecting job",
    api.call("jobVersions", { params: { id }, query }),
  );
  const at = answer.doc.list("Versions").findIndex((job) => job.num("Version") === version);
  const found = new Doc(exactAnswer(answer)).list("Versions")[at];
  if (found) return found.json;
  const name = `job ${quote(id)} with version ${version}`;
  throw new CommandError(`Error inspecting job: ${name} couldn't be found`);
}

async function printSubmission(
  context: CommandContext,
  { id, namespace }: JobName,
  version: number | null,
): Promise<number> {
  const { api, ui, flags } = context;
  const params = { id };
  const wanted = version ?? new Doc(await current(context, { id, namespace })).num("Version");
  const query = { namespace, version: wanted };
  const read = api.call("jobSubmission", { params, query });
  const submission = (await orFail("Error retrieving job submission", read)).doc;
  ui.output(submission.text("Source").trimEnd());
  if (!flags.bool("with-vars")) return 0;
  for (const [key, value] of submission.entries("VariableFlags")) {
    ui.output(`${key} = ${quote(String(value.json))}`);
  }
  if (submission.text("Variables") !== "") ui.output(submission.text("Variables").trimEnd());
  return 0;
}
