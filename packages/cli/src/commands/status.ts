/** `status`: shows whatever an identifier names (spec chapter 7 §7.13). */
import { type Command, CommandError, FORMAT_FLAGS, OPEN_UI, VERBOSE } from "../command.ts";
import { resolveId } from "../shared/search.ts";

/** How each kind is shown. */
const SHOWN_BY: Readonly<Record<string, () => Promise<Command>>> = {
  jobs: async () => (await import("./job/status.ts")).jobStatusCommand,
  allocs: async () => (await import("./alloc/status.ts")).allocStatusCommand,
  evals: async () => (await import("./eval/status.ts")).evalStatusCommand,
  deployment: async () => (await import("./deployment/status.ts")).deploymentStatusCommand,
  nodes: async () => (await import("./node/status.ts")).nodeStatusCommand,
  namespaces: async () => (await import("./namespace.ts")).namespaceStatusCommand,
};
export const statusCommand: Command = {
  usage: "status [options] <identifier>",
  summary: "Shows whatever an identifier names",
  description: "Shows the job, allocation, evaluation, deployment or node that the prefix names.",
  flags: [
    { name: "all-allocs", kind: "bool", help: "With a job: also allocations of an older one." },
    { name: "evals", kind: "bool", help: "With a job: show the evaluations." },
    { name: "short", kind: "bool", help: "Show less." },
    OPEN_UI,
    VERBOSE,
    ...FORMAT_FLAGS,
  ],
  args: {
    min: 0,
    max: 1,
    message: "This command takes either no arguments or one: <identifier>",
  },
  async run(context) {
    const kind =
      context.args[0] === undefined ? "jobs" : (await resolveId(context, context.args[0])).kind;
    const load = SHOWN_BY[kind];
    if (!load) throw new CommandError(`Unable to show ${kind}`);
    return await (await load()).run(context);
  },
};
