/** `job revert`: makes an old version the newest one (spec chapter 7 §7.9). */
import { type Command, type CommandContext, CommandError, DETACH, VERBOSE } from "../../command.ts";
import { orFail } from "../../shared/errors.ts";
import { followOrDetach } from "../../shared/follow.ts";
import { findJob } from "../../shared/lookup.ts";
import { printWarnings } from "../../shared/warnings.ts";

/** The words that users know, whatever failed. */
const FAILED = "Error retrieving job versions";

export const jobRevertCommand: Command = {
  usage: "job revert [options] <job> <version|tag>",
  summary: "Goes back to an older version of a job",
  description: "Registers the job again as it was in the version, or in the version with the tag.",
  flags: [DETACH, VERBOSE],
  args: { min: 2, max: 2, message: "This command takes two arguments: <job> <version|tag>" },
  async run(context) {
    const { api, args, ui } = context;
    const [prefix, wanted] = args as [string, string];
    const tagged = /^\d+$/.test(wanted) ? null : await versionOfTag(context, prefix, wanted);
    const { id, namespace } = await findJob(context, prefix.trim());
    const body = {
      JobID: id,
      JobVersion: tagged ?? Number(wanted),
      EnforcePriorVersion: null,
      Region: "",
      Namespace: "",
      SecretID: "",
    };
    const revert = api.call("jobRevert", { params: { id }, query: { namespace }, body });
    const { doc } = await orFail(FAILED, revert);
    printWarnings(ui, doc.text("Warnings"));
    return await followOrDetach(context, doc.text("EvalID"));
  },
};

async function versionOfTag({ api }: CommandContext, job: string, tag: string): Promise<number> {
  const list = api.call("jobVersions", { params: { id: job }, query: { diffs: false } });
  const versions = (await orFail(FAILED, list)).doc.list("Versions");
  const found = versions.find((version) => version.at("VersionTag").text("Name") === tag);
  if (!found) throw new CommandError(`${FAILED}: version tag ${tag} not found for job ${job}`);
  return found.num("Version");
}
