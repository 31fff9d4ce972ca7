/** `job tag apply|unset`: names for versions (spec chapter 7 §7.9). */
import { type Command, type CommandContext, misuse } from "../../command.ts";
import { quote } from "../../format/quote.ts";
import { orFail } from "../../shared/errors.ts";
import { findJob, type JobName } from "../../shared/lookup.ts";
import { parseVersion } from "../../shared/numbers.ts";

const NAME = { name: "name", kind: "string", help: "Name of the tag." } as const;
const ONE_JOB = { min: 1, max: 1, message: "This command takes one argument: <job>" };

export const jobTagApplyCommand: Command = {
  usage: "job tag apply [options] <jobname>",
  summary: "Names a version of a job",
  description: "Gives a version a name; versions with a name are kept.",
  flags: [
    NAME,
    { name: "description", kind: "string", help: "What the version is." },
    { name: "version", kind: "string", help: "The version; the latest one when left out." },
  ],
  args: ONE_JOB,
  async run(context) {
    const { api, flags, ui } = context;
    const tag = requiredName(context, "job tag apply");
    const job = await findJob(context, (context.args[0] as string).trim());
    const version = flags.has("version")
      ? parseVersion(flags.string("version"))
      : await latestVersion(context, job);
    const body = {
      Version: version,
      Latest: false,
      Description: flags.string("description"),
      Region: "",
      Namespace: "",
      SecretID: "",
    };
    const put = api.call("jobTag", { params: { id: job.id, tag }, ...queryOf(job), body });
    await orFail("Error tagging job version", put);
    ui.output(`Job version ${version} tagged with name ${quote(tag)}`);
    return 0;
  },
};

export const jobTagUnsetCommand: Command = {
  usage: "job tag unset [options] -name <tag> <job>",
  summary: "Removes the name of a version",
  description: "Removes a tag; its version is treated as any other again.",
  flags: [NAME],
  args: ONE_JOB,
  async run(context) {
    const tag = requiredName(context, "job tag unset");
    const job = await findJob(context, (context.args[0] as string).trim());
    const remove = context.api.call("jobUntag", { params: { id: job.id, tag }, ...queryOf(job) });
    await orFail("Error tagging job version", remove);
    context.ui.output(`Tag ${quote(tag)} removed from job ${quote(job.id)}`);
    return 0;
  },
};

function requiredName({ flags }: CommandContext, command: string): string {
  const name = flags.string("name");
  if (name === "") throw misuse(command, "A version tag name is required");
  return name;
}

function queryOf({ namespace }: JobName) {
  return namespace === "default" ? {} : { query: { namespace } };
}

async function latestVersion({ api }: CommandContext, job: JobName): Promise<number> {
  const { id, namespace } = job;
  const read = api.call("jobRead", { params: { id }, query: { namespace } });
  return (await orFail("Error tagging job version", read)).doc.num("Version");
}
