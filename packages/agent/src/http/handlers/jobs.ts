/** Reads of jobs: spec chapter 8 §8.2. */
import { badRequest } from "@drover/api";
import {
  deploymentToWire,
  diffJobs,
  evalToWire,
  type Job,
  jobDiffToWire,
  jobStubToWire,
  jobSummaryToWire,
  jobToWire,
  serviceRegistrationToWire,
} from "@drover/model";
import type { ReadContext, ReadHandler, ReadResult } from "../handler.ts";
import { indexToken, inNamespace, listReply } from "../lists.ts";
import { booleanParam } from "../query.ts";
import { allocStubs, highestIndex, missing } from "./allocations.ts";
import { scaleStatus } from "./scale-status.ts";

function refOf(context: ReadContext) {
  return { namespace: context.query.namespace, id: context.params.id ?? "" };
}

function jobIndex(context: ReadContext, job: Job | undefined): number {
  return job?.modifyIndex ?? context.snapshot.tableIndex("jobs");
}

export function jobStubs(context: ReadContext, keep: (job: Job) => boolean): ReadResult {
  const meta = booleanParam(context.query.all, "meta") ?? false;
  return listReply(context, {
    items: context.snapshot.jobs(),
    index: context.snapshot.tableIndex("jobs", "summaries"),
    encode: (job) => jobStubToWire(job, context.snapshot.jobSummary(job) ?? null, { meta }),
    filtered: jobToWire,
    token: (job) => `${job.namespace}.${job.id}`,
    byIndex: false,
    keep,
  });
}

const jobList: ReadHandler = {
  kind: "read",
  tables: ["jobs", "summaries"],
  run: (context) =>
    jobStubs(
      context,
      (job) => inNamespace(context, job) && job.id.startsWith(context.query.prefix),
    ),
};

const jobRead: ReadHandler = {
  kind: "read",
  tables: ["jobs"],
  run(context) {
    const job = context.snapshot.job(refOf(context));
    const index = jobIndex(context, job);
    return job ? { json: jobToWire(job), index } : missing("job not found", index);
  },
};

const jobVersions: ReadHandler = {
  kind: "read",
  tables: ["jobVersions"],
  run(context) {
    const versions = context.snapshot.jobVersions(refOf(context));
    const index =
      versions.length > 0
        ? Math.max(...versions.map((v) => v.modifyIndex))
        : context.snapshot.tableIndex("jobVersions");
    if (versions.length === 0) return missing("job versions not found", index);
    const diffs = booleanParam(context.query.all, "diffs") ? versionDiffs(context, versions) : null;
    return {
      json: {
        Diffs: diffs && diffs.length > 0 ? diffs : null,
        Index: index,
        KnownLeader: true,
        LastContact: 0,
        NextToken: "",
        Versions: versions.map(jobToWire),
      },
      index,
    };
  },
};

function versionDiffs(context: ReadContext, versions: readonly Job[]): unknown[] {
  const against = baseVersion(context, versions);
  const diffs: unknown[] = [];
  for (let i = 0; i < versions.length; i++) {
    const newer = versions[i] as Job;
    if (against) {
      diffs.push(jobDiffToWire(diffJobs(against, newer, { contextual: true })));
    } else if (i + 1 < versions.length) {
      diffs.push(jobDiffToWire(diffJobs(versions[i + 1] as Job, newer, { contextual: true })));
    }
  }
  return diffs;
}

/** `diff_version` or `diff_tag`: the version that each is compared with. */
function baseVersion(context: ReadContext, versions: readonly Job[]): Job | null {
  const tag = context.query.all.get("diff_tag");
  const number = context.query.all.get("diff_version");
  if (tag) {
    const tagged = versions.find((v) => v.versionTag?.name === tag);
    if (!tagged) throw badRequest(`tag ${JSON.stringify(tag)} not found`);
    return tagged;
  }
  if (!number) return null;
  const found = versions.find((v) => v.version === Number(number));
  if (!found) throw badRequest(`version ${number} not found`);
  return found;
}

const jobSubmission: ReadHandler = {
  kind: "read",
  tables: ["submissions"],
  run(context) {
    const version = context.query.all.get("version");
    if (version === null || !/^\d+$/.test(version)) {
      throw badRequest("Unable to parse job submission version parameter");
    }
    const found = context.snapshot.submission(refOf(context), Number(version));
    if (!found) return missing("job source not found", 0);
    return {
      json: {
        Format: found.format,
        JobID: found.jobId,
        JobModifyIndex: found.jobModifyIndex,
        Namespace: found.namespace,
        Source: found.source,
        VariableFlags: Object.keys(found.variableFlags).length > 0 ? found.variableFlags : null,
        Variables: found.variables,
        Version: found.version,
      },
      index: context.snapshot.tableIndex("submissions"),
    };
  },
};

/** `all=true` adds what belongs to an earlier registration of the same id. */
function ofThisRegistration<T>(
  context: ReadContext,
  items: readonly T[],
  createIndexOf: (item: T) => number,
): T[] {
  const job = context.snapshot.job(refOf(context));
  if (context.query.all.get("all") === "true" || !job) return [...items];
  return items.filter((item) => createIndexOf(item) === job.createIndex);
}

const jobAllocations: ReadHandler = {
  kind: "read",
  tables: ["allocs"],
  run(context) {
    const all = context.snapshot.allocsByJob(refOf(context));
    const allocs = ofThisRegistration(context, all, (alloc) => alloc.jobCreateIndex);
    return allocStubs(context, allocs, highestIndex(context, all, "allocs"));
  },
};

const jobEvaluations: ReadHandler = {
  kind: "read",
  tables: ["evals"],
  run(context) {
    const evals = [...context.snapshot.evalsByJob(refOf(context))];
    evals.sort((a, b) => b.createIndex - a.createIndex);
    return {
      json: evals.map((item) => evalToWire(item)),
      index: highestIndex(context, evals, "evals"),
    };
  },
};

const jobDeployments: ReadHandler = {
  kind: "read",
  tables: ["deployments"],
  run(context) {
    const all = context.snapshot.deploymentsByJob(refOf(context));
    const own = ofThisRegistration(context, all, (item) => item.jobCreateIndex);
    own.sort((a, b) => (indexToken(a) < indexToken(b) ? 1 : -1));
    own.sort((a, b) => b.createIndex - a.createIndex);
    return { json: own.map(deploymentToWire), index: highestIndex(context, all, "deployments") };
  },
};

const jobLatestDeployment: ReadHandler = {
  kind: "read",
  tables: ["deployments"],
  run(context) {
    const all = context.snapshot.deploymentsByJob(refOf(context));
    const latest = ofThisRegistration(context, all, (item) => item.jobCreateIndex)[0];
    return {
      json: latest ? deploymentToWire(latest) : null,
      index: highestIndex(context, all, "deployments"),
    };
  },
};

const jobSummary: ReadHandler = {
  kind: "read",
  tables: ["summaries"],
  run(context) {
    const summary = context.snapshot.jobSummary(refOf(context));
    const index = summary?.modifyIndex ?? context.snapshot.tableIndex("summaries");
    return summary ? { json: jobSummaryToWire(summary), index } : missing("job not found", index);
  },
};

const jobServices: ReadHandler = {
  kind: "read",
  tables: ["services"],
  run(context) {
    const own = [...context.snapshot.services()].filter(
      (s) => s.namespace === context.query.namespace && s.jobId === context.params.id,
    );
    return {
      json: own.map(serviceRegistrationToWire),
      index: context.snapshot.tableIndex("services"),
    };
  },
};

const jobActions: ReadHandler = {
  kind: "read",
  tables: ["jobs"],
  run(context) {
    const job = context.snapshot.job(refOf(context));
    const index = jobIndex(context, job);
    if (!job) return missing("job not found", index);
    const actions = job.taskGroups.flatMap((group) =>
      group.tasks.flatMap((task) =>
        task.actions.map((action) => ({
          Args: action.args,
          Command: action.command,
          Name: action.name,
          TaskGroupName: group.name,
          TaskName: task.name,
        })),
      ),
    );
    return { json: actions, index: actions.length > 0 ? index : 0 };
  },
};

const jobScaleStatus: ReadHandler = {
  kind: "read",
  tables: ["jobs", "allocs", "deployments", "scalingEvents"],
  run(context) {
    const job = context.snapshot.job(refOf(context));
    const index = jobIndex(context, job);
    return job
      ? { json: scaleStatus(context.snapshot, job), index }
      : missing("job not found", index);
  },
};

export const jobReads = {
  jobList,
  jobRead,
  jobVersions,
  jobSubmission,
  jobAllocations,
  jobEvaluations,
  jobDeployments,
  jobLatestDeployment,
  jobSummary,
  jobServices,
  jobActions,
  jobScaleStatus,
} as const;
