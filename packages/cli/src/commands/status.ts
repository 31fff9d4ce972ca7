/** `status`: shows whatever an identifier names (spec chapter 7 §7.13). */
import {
  type Command,
  type CommandContext,
  CommandError,
  FORMAT_FLAGS,
  OPEN_UI,
  VERBOSE,
} from "../command.ts";
import { quote } from "../format/quote.ts";
import { orFail } from "../shared/errors.ts";
import { searchAll } from "../shared/search.ts";

/** How each kind is shown. */
const SHOWN_BY: Readonly<Record<string, () => Promise<Command>>> = {
  jobs: async () => (await import("./job/status.ts")).jobStatusCommand,
  allocs: async () => (await import("./alloc/status.ts")).allocStatusCommand,
  evals: async () => (await import("./eval/status.ts")).evalStatusCommand,
  deployment: async () => (await import("./deployment/status.ts")).deploymentStatusCommand,
  nodes: async () => (await import("./node/status.ts")).nodeStatusCommand,
  namespaces: async () => (await import("./namespace.ts")).namespaceStatusCommand,
};
const TITLES: Readonly<Record<string, string>> = {
  jobs: "Jobs",
  allocs: "Allocations",
  evals: "Evaluations",
  deployment: "Deployments",
  nodes: "Nodes",
  namespaces: "Namespaces",
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
    const kind = context.args[0] === undefined ? "jobs" : await kindOf(context, context.args[0]);
    const load = SHOWN_BY[kind];
    if (!load) throw new CommandError(`Unable to show ${kind}`);
    return await (await load()).run(context);
  },
};

async function kindOf(context: CommandContext, prefix: string): Promise<string> {
  const search = searchAll(context, prefix);
  const { byContext } = await orFail(`Error querying search with id: ${quote(prefix)}`, search);
  const exact = [...byContext].filter(([, ids]) => ids.includes(prefix));
  const candidates = exact.length > 0 ? exact : [...byContext];
  const [first, ...others] = candidates;
  if (first === undefined) throw new CommandError(`Unable to resolve ID: ${quote(prefix)}`);
  const [kind, ids] = first;
  if (others.length === 0 && (ids.length === 1 || exact.length > 0)) return kind;
  const lists = candidates.map(([name, all]) => `${TITLES[name] ?? name}:\n${all.join(", ")}`);
  throw new CommandError(`Multiple matches found for id ${quote(prefix)}\n\n${lists.join("\n\n")}`);
}
