/** `job run`: registers a job file and follows what comes of it (spec chapter 7 §7.5). */
import { errorText } from "@drover/base";
import { encodeInput, jobSchema } from "@drover/model";
import { UnexpectedResponse } from "../../api-client.ts";
import {
  type Command,
  type CommandContext,
  CommandError,
  DETACH,
  OPEN_UI,
  VERBOSE,
} from "../../command.ts";
import type { Doc } from "../../doc.ts";
import { monitorEvaluation } from "../../monitor/eval-monitor.ts";
import { printHint } from "../../shared/hint.ts";
import { JOB_FILE_FLAGS, type JobFile, readJobFile } from "../../shared/job-file.ts";
import { parseCheckIndex } from "../../shared/numbers.ts";
import { printWarnings } from "../../shared/warnings.ts";

const ENFORCE = /Enforcing job modify index[^\n)]*/;

export const jobRunCommand: Command = {
  usage: "job run [options] <path>",
  summary: "Runs a new job or updates an existing one",
  description:
    "Registers the job of the file, or its changed version, and follows the evaluation and\n" +
    "the deployment to their end. With - as path the file is read from standard input.",
  flags: [
    { name: "check-index", kind: "string", help: "Only if the job's modify index is this one." },
    DETACH,
    { name: "eval-priority", kind: "int", help: "Priority of the evaluation." },
    { name: "output", kind: "bool", help: "Print the job as JSON and do nothing." },
    { name: "policy-override", kind: "bool", help: "Accepted for compatibility." },
    { name: "preserve-counts", kind: "bool", help: "Keep the counts of existing groups." },
    { name: "preserve-resources", kind: "bool", help: "Keep the resources of existing tasks." },
    { name: "consul-namespace", kind: "string", help: "Consul namespace of the job." },
    { name: "vault-namespace", kind: "string", help: "Vault namespace of the job." },
    OPEN_UI,
    VERBOSE,
    ...JOB_FILE_FLAGS,
  ],
  args: { min: 1, max: 1, message: "This command takes one argument: <path>" },
  async run(context) {
    const { flags, args, ui } = context;
    const file = await readJobFile(context, args[0] as string);
    if (flags.bool("output")) {
      const { encodeJobOutput } = await import("@drover/jobspec");
      ui.output(encodeJobOutput(file.job));
      return 0;
    }
    const answer = await register(context, file);
    printWarnings(ui, answer.text("Warnings"));
    const evalId = answer.text("EvalID");
    if (flags.bool("detach") || evalId === "") {
      ui.output("Job registration successful");
      if (evalId !== "") ui.output(`Evaluation ID: ${evalId}`);
      await jobHint(context, file, false);
      return 0;
    }
    await jobHint(context, file, true);
    return await monitorEvaluation(context, evalId, { verbose: flags.bool("verbose") });
  },
};

async function jobHint(context: CommandContext, file: JobFile, monitor: boolean): Promise<void> {
  const namespace = context.namespace || file.job.namespace || "default";
  const path = `/ui/jobs/${encodeURIComponent(file.job.id ?? "")}@${namespace}`;
  await printHint(context, "View this job in the Web UI", path, { monitor });
}

async function register(context: CommandContext, file: JobFile): Promise<Doc> {
  const body = requestBody(context, file);
  try {
    return (await context.api.call("jobRegister", { body, query: file.query })).doc;
  } catch (error) {
    const text = errorText(error);
    const enforced = ENFORCE.exec(text);
    if (!enforced || !(error instanceof UnexpectedResponse)) {
      throw new CommandError(`Error submitting job: ${text}`);
    }
    context.ui.error(enforced[0]);
    throw new CommandError("Job not updated");
  }
}

/** Members that were not asked for stay away, as in requests of the field's tools. */
function requestBody(context: CommandContext, file: JobFile): Record<string, unknown> {
  const { flags } = context;
  const index = parseCheckIndex(context);
  return {
    Submission: file.submission,
    Job: encodeInput(jobSchema, file.job),
    ...(index === null ? {} : { EnforceIndex: true }),
    ...(index === null || index === 0 ? {} : { JobModifyIndex: index }),
    ...(flags.bool("preserve-counts") ? { PreserveCounts: true } : {}),
    ...(flags.bool("preserve-resources") ? { PreserveResources: true } : {}),
    ...(flags.bool("policy-override") ? { PolicyOverride: true } : {}),
    ...(flags.has("eval-priority") ? { EvalPriority: flags.int("eval-priority") } : {}),
    Region: "",
    Namespace: "",
    SecretID: "",
  };
}
