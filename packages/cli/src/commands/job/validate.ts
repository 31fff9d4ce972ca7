/** `job validate`: whether a job file is right (spec chapter 7 §7.9, §7.14). */
import {
  canonicalizeJob,
  DEFAULT_VALIDATE_CONTEXT,
  encodeInput,
  formatWarnings,
  type JobInput,
  jobSchema,
  validateJob,
} from "@drover/model";
import { UnexpectedResponse } from "../../api-client.ts";
import type { Command, CommandContext } from "../../command.ts";
import { Doc } from "../../doc.ts";
import { JOB_FILE_FLAGS, type JobFile, readJobFile } from "../../shared/job-file.ts";
import { printWarnings } from "../../shared/warnings.ts";

export const jobValidateCommand: Command = {
  usage: "job validate [options] <path>",
  summary: "Checks a job file without running it",
  description:
    "Checks the file and asks the servers to check the job. Where no agent answers, what can\n" +
    "be checked here is checked.",
  flags: [
    { name: "vault-namespace", kind: "string", help: "Vault namespace of the job." },
    ...JOB_FILE_FLAGS,
  ],
  args: { min: 1, max: 1, message: "This command takes one argument: <path>" },
  async run(context) {
    const { ui, args } = context;
    const file = await readJobFile(context, args[0] as string);
    const verdict = await askServers(context, file);
    if (!verdict.flag("DriverConfigValidated")) {
      const text =
        "Driver configuration not validated since connection to Nomad agent couldn't be established.";
      ui.output(`${ui.open("bold")}${ui.paint("yellow", `${text}\n`)}`);
    }
    if (verdict.text("Error") !== "") {
      ui.error("Job validation errors:");
      ui.error(verdict.text("Error"));
      return 1;
    }
    printWarnings(ui, verdict.text("Warnings"));
    ui.output(`${ui.open("bold")}${ui.paint("green", "Job validation successful")}`);
    return 0;
  },
};

async function askServers({ api }: CommandContext, { job, query }: JobFile): Promise<Doc> {
  const body = { Job: encodeInput(jobSchema, job), Region: "", Namespace: "", SecretID: "" };
  const { region } = query;
  try {
    const options = { body, query: region === undefined ? {} : { region } };
    return (await api.call("jobValidate", options)).doc;
  } catch (error) {
    const isConnection = error instanceof Error && error.cause !== undefined;
    if (!isConnection && !(error instanceof UnexpectedResponse)) throw error;
    return validateHere(job);
  }
}

/** Without a server: everything but the drivers' own configuration. */
function validateHere(job: JobInput): Doc {
  const checked = validateJob(canonicalizeJob(job, { region: job.region ?? "global" }), {
    ...DEFAULT_VALIDATE_CONTEXT,
    namespaceExists: () => true,
    nodePoolExists: () => true,
  });
  return new Doc({
    DriverConfigValidated: false,
    Error: checked.error,
    Warnings: formatWarnings(checked.warnings),
  });
}
