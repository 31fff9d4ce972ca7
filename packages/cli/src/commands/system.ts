/** `system gc` and `system reconcile summaries` (spec chapter 7 §7.13). */
import type { Command } from "../command.ts";
import { orFail } from "../shared/errors.ts";

const NO_ARGS = { min: 0, max: 0, message: "This command takes no arguments" };

export const systemGcCommand: Command = {
  usage: "system gc [options]",
  summary: "Collects what is over now",
  description: "Removes jobs, evaluations, deployments and nodes that are over, at once.",
  flags: [],
  args: NO_ARGS,
  async run({ api }) {
    const body = {};
    await orFail("Error running system garbage-collection", api.call("systemGc", { body }));
    return 0;
  },
};

export const systemReconcileCommand: Command = {
  usage: "system reconcile summaries [options]",
  summary: "Counts the allocations of all jobs again",
  description: "Computes the summaries of all jobs from their allocations.",
  flags: [],
  args: NO_ARGS,
  async run({ api }) {
    const body = {};
    await orFail(
      "Error running system summary reconciliation",
      api.call("systemReconcile", { body }),
    );
    return 0;
  },
};
