/** `PUT /v1/validate/job`: 200 also when the job is invalid (spec chapter 8 §8.2). */
import { canonicalizeJob, formatWarnings, validateJob } from "@drover/model";
import { validateContext } from "@drover/server";
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
      const verdict = validateJob(job, validateContext(context.snapshot));
      return {
        json: {
          DriverConfigValidated: true,
          Error: verdict.error,
          ValidationErrors: verdict.errors.length > 0 ? verdict.errors : null,
          Warnings: formatWarnings(verdict.warnings),
        },
        index: context.snapshot.index,
        noHeaders: true,
      };
    },
  };
}
