/**
 * Dispatching and forcing of parameterized and periodic jobs (spec chapter 8 §8.2): what is asked
 * of the wrong kind of job is refused as users know it, the rest is not done by this version.
 */
import { internal } from "@drover/api";
import type { Job } from "@drover/model";
import type { Server } from "@drover/server";
import type { RequestContext, WriteHandler } from "../handler.ts";

function jobOf(context: RequestContext, server: Server): Job | undefined {
  const { namespace } = context.query;
  return server.snapshot().job({ namespace, id: context.params.id ?? "" });
}

const jobDispatch: WriteHandler = {
  kind: "write",
  async run(context, server) {
    await context.json();
    const job = jobOf(context, server);
    if (!job) throw internal("parameterized job not found");
    if (!job.parameterizedJob) {
      throw internal(`Specified job "${job.id}" is not a parameterized job`);
    }
    throw internal("dispatching of parameterized jobs is not supported by this version");
  },
};

const jobPeriodicForce: WriteHandler = {
  kind: "write",
  async run(context, server) {
    const job = jobOf(context, server);
    if (!job?.periodic) throw internal("can't force launch non-periodic job");
    throw internal("periodic jobs are not supported by this version");
  },
};

export const jobChildren = { jobDispatch, jobPeriodicForce } as const;
