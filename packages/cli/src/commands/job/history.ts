/** `job history`: the versions of a job and how they differ (spec chapter 7 §7.8). */

import { type Json, jobDiffFromWire } from "@drover/model";
import { exactAnswer } from "../../api-client.ts";
import { type Command, type CommandContext, CommandError, FORMAT_FLAGS } from "../../command.ts";
import { Doc } from "../../doc.ts";
import { prettyAnswer } from "../../exact-json.ts";
import { keyValues } from "../../format/columns.ts";
import { quote } from "../../format/quote.ts";
import { formatInstant } from "../../format/time.ts";
import { renderJobDiff } from "../../output/plan-diff.ts";
import { applyForm, JOB, listOf } from "../../shared/api-forms.ts";
import { orFail } from "../../shared/errors.ts";
import { printData, wantsData } from "../../shared/format.ts";
import { findJob } from "../../shared/lookup.ts";
import { parseVersion } from "../../shared/numbers.ts";

export const jobHistoryCommand: Command = {
  usage: "job history [options] <job>",
  summary: "Shows the versions of a job",
  description:
    "Shows the versions of a job, newest first; with -p what each changed, with -full the whole\n" +
    "job.",
  flags: [
    { name: "p", kind: "bool", help: "Show how each version differs from the one before." },
    { name: "diff-version", kind: "string", help: "With -p: differences to this version." },
    { name: "diff-tag", kind: "string", help: "With -p: differences to the version of this tag." },
    { name: "full", kind: "bool", help: "Show the whole job of each version." },
    { name: "version", kind: "string", help: "Show only this version." },
    ...FORMAT_FLAGS,
  ],
  args: { min: 1, max: 1, message: "This command takes one argument: <job>" },
  async run(context) {
    const { flags } = context;
    checkFlags(context);
    const versions = await readVersions(context, (context.args[0] as string).trim());
    const wanted = flags.has("version") ? parseVersion(flags.string("version")) : null;
    if (wantsData(context)) return await printVersionsData(context, versions, wanted);
    const shown = versions.filter(({ job }) => wanted === null || job.num("Version") === wanted);
    if (shown.length === 0) {
      throw new CommandError("Error printing job history for non-existing job or job version");
    }
    context.ui.output(shown.map((version) => versionText(context, version)).join("\n\n"));
    return 0;
  },
};

function checkFlags(context: CommandContext): void {
  const { flags } = context;
  if (wantsData(context) && (flags.bool("p") || flags.bool("full"))) {
    throw new CommandError("-json and -t are exclusive with -p and -full");
  }
  if ((flags.has("diff-version") || flags.has("diff-tag")) && !flags.bool("p")) {
    throw new CommandError("-diff-tag and -diff-version can only be used with -p");
  }
  if (flags.has("diff-version") && flags.has("diff-tag")) {
    throw new CommandError("-diff-tag and -diff-version are mutually exclusive");
  }
  const version = flags.string("diff-version");
  if (version === "" || /^\d+$/.test(version)) return;
  throw new CommandError(
    `Error parsing -diff-version: strconv.ParseUint: parsing ${quote(version)}: invalid syntax`,
  );
}

interface Version {
  readonly job: Doc;
  /** For printing: large numbers are kept to the digit. */
  readonly exact: Json;
  /** Empty for the oldest version, and when none was asked for. */
  readonly diff: Doc;
}

async function readVersions(context: CommandContext, prefix: string): Promise<Version[]> {
  const { api, flags } = context;
  const { id, namespace } = await findJob(context, prefix);
  const query = {
    diffs: flags.bool("p"),
    ...(flags.has("diff-tag") ? { diff_tag: flags.string("diff-tag") } : {}),
    ...(flags.has("diff-version") ? { diff_version: flags.string("diff-version") } : {}),
    namespace,
  };
  const answer = await orFail(
    "Error retrieving job versions",
    api.call("jobVersions", { params: { id }, query }),
  );
  const exact = new Doc(exactAnswer(answer)).list("Versions");
  const diffs = answer.doc.list("Diffs");
  return answer.doc.list("Versions").map((job, i) => ({
    job,
    exact: exact[i]?.json ?? null,
    diff: diffs[i] ?? new Doc(null),
  }));
}

async function printVersionsData(
  context: CommandContext,
  versions: readonly Version[],
  wanted: number | null,
): Promise<number> {
  if (wanted === null) {
    return await printData(
      context,
      versions.map((version) => version.exact),
      listOf(JOB),
    );
  }
  const found = versions.find(({ job }) => job.num("Version") === wanted);
  if (!found) {
    throw new CommandError("Error printing job history for non-existing job or job version");
  }
  return await printData(context, found.exact, JOB);
}

function versionText(context: CommandContext, version: Version): string {
  const { ui, flags } = context;
  const { job, diff } = version;
  const tag = job.at("VersionTag");
  const pairs: [string, string][] = [
    ["Version", String(job.num("Version"))],
    ["Stable", String(job.flag("Stable"))],
    ["Submit Date", formatInstant(job.instant("SubmitTime"))],
  ];
  if (tag.text("Name") !== "") pairs.push(["Tag Name", tag.text("Name")]);
  if (tag.text("Description") !== "") pairs.push(["Tag Description", tag.text("Description")]);
  if (diff.exists && diff.text("Type") !== "None") {
    const text = renderJobDiff(jobDiffFromWire(diff.json), { ui, verbose: false });
    pairs.push(["Diff", `\n${text}`]);
  }
  if (flags.bool("full"))
    pairs.push(["Full", `JSON Job:\n${prettyAnswer(applyForm(version.exact, JOB))}`]);
  return keyValues(pairs);
}
