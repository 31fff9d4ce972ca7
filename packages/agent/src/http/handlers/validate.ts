/** `PUT /v1/validate/job`: 200 also when the job is invalid (spec chapter 8 §8.2). */
import { canonicalizeJob, validateJob } from "@drover/model";
import { Fields } from "../fields.ts";
import type { ReadHandler } from "../handler.ts";
import { readJob } from "./job-writes.ts";

export function validateHandler(region: string): ReadHandler {
  return {
    kind: "read",
    tables: [],
    withBody: true,
    run(context) {
      const body = new Fields(context.body, "api.JobValidateRequest");
      const input = readJob(body, context, "api.Job");
      const job = canonicalizeJob(input, { region });
      const verdict = validateJob(job, {
        namespaces: new Set([...context.snapshot.namespaces()].map((n) => n.name)),
        nodePools: new Set([...context.snapshot.nodePools()].map((p) => p.name)),
      });
      return {
        json: {
          DriverConfigValidated: true,
          Error: verdict.errors,
          ValidationErrors: verdict.errorList.length > 0 ? verdict.errorList : null,
          Warnings: verdict.warnings,
        },
        index: context.snapshot.index,
        noHeaders: true,
      };
    },
  };
}
