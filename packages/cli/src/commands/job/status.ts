/** `job status`: the jobs, or one job with all that belongs to it (spec chapter 7 §7.6). */

import { exactAnswer } from "../../api-client.ts";
import {
  type Command,
  type CommandContext,
  FORMAT_FLAGS,
  OPEN_UI,
  VERBOSE,
} from "../../command.ts";
import type { Doc } from "../../doc.ts";
import { jobTable } from "../../output/job-table.ts";
import {
  ALLOC_STUB,
  DEPLOYMENT,
  EVALUATION,
  type Form,
  newestFirst,
  plain,
} from "../../shared/api-forms.ts";
import { orFail } from "../../shared/errors.ts";
import { printData, wantsData } from "../../shared/format.ts";
import { printHint } from "../../shared/hint.ts";
import { findJob, type JobName } from "../../shared/lookup.ts";
import { printWhyLine } from "../../shared/why.ts";
import { printJob } from "./show-job.ts";

const JOB_DATA: Form = {
  type: "[]command.JobJson",
  members: { Allocations: ALLOC_STUB, Evaluations: EVALUATION, LatestDeployment: DEPLOYMENT },
};

export const jobStatusCommand: Command = {
  usage: "job status [options] <job>",
  summary: "Lists the jobs, or shows one",
  description:
    "Without an argument: all jobs. With a job, or a prefix of its id: its groups, latest\n" +
    "deployment and allocations.",
  flags: [
    { name: "all-allocs", kind: "bool", help: "Also allocations of an older job of that id." },
    { name: "evals", kind: "bool", help: "Show the evaluations." },
    { name: "short", kind: "bool", help: "Show only the job itself." },
    OPEN_UI,
    VERBOSE,
    ...FORMAT_FLAGS,
  ],
  args: {
    min: 0,
    max: 1,
    message: "This command takes either no arguments or one: <job>",
    helpFor: "status",
  },
  async run(context) {
    const [prefix] = context.args;
    if (prefix === undefined) return await listJobs(context);
    const job = await findJob(context, prefix.trim());
    if (wantsData(context)) {
      return await printData(context, await jobData(context, job), JOB_DATA);
    }
    await printJob(context, job);
    await printWhyLine(context, "whyJob", job);
    const path = `/ui/jobs/${job.id}@${job.namespace}`;
    await printHint(context, "View job details and metrics in the Web UI", path);
    return 0;
  },
};

async function listJobs(context: CommandContext): Promise<number> {
  const { api, ui } = context;
  const answer = await orFail("Error querying jobs", api.call("jobList"));
  if (wantsData(context)) {
    return await printData(context, exactAnswer(answer), plain("[]*api.JobListStub"));
  }
  const jobs: Doc[] = answer.doc.list();
  if (jobs.length === 0) ui.output("No running jobs");
  else ui.output(jobTable(jobs, context.namespace === "*"));
  await printHint(context, "View and manage Nomad jobs in the Web UI", "/ui/jobs");
  return 0;
}

async function jobData(context: CommandContext, { id, namespace }: JobName) {
  const { api, flags } = context;
  const options = { params: { id }, query: { namespace } };
  await orFail("Error querying job", api.call("jobRead", options));
  const summary = await orFail("Error querying job summary", api.call("jobSummary", options));
  const all = { ...options, query: { all: flags.bool("all-allocs"), namespace } };
  const allocs = await orFail("Error querying job allocations", api.call("jobAllocations", all));
  const latest = api.call("jobLatestDeployment", options);
  const deployment = await orFail("Error querying latest job deployment", latest);
  const evals = await orFail("Error querying job evaluations", api.call("jobEvaluations", options));
  return [
    {
      Allocations: newestFirst(exactAnswer(allocs)),
      Evaluations: newestFirst(exactAnswer(evals)),
      LatestDeployment: exactAnswer(deployment),
      Summary: exactAnswer(summary),
    },
  ];
}
