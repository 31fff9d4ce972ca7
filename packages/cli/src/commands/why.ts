/** `why`: the chain of reasons from whatever an identifier names to what must happen. */
import { exactAnswer } from "../api-client.ts";
import {
  type Command,
  type CommandContext,
  CommandError,
  FORMAT_FLAGS,
  VERBOSE,
} from "../command.ts";
import { quote } from "../format/quote.ts";
import { whyText } from "../output/why.ts";
import { plain } from "../shared/api-forms.ts";
import { orFail } from "../shared/errors.ts";
import { printData, wantsData } from "../shared/format.ts";
import { resolveId } from "../shared/search.ts";
import type { WhyEndpoint } from "../shared/why.ts";

const ENDPOINTS: Readonly<Record<string, WhyEndpoint>> = {
  jobs: "whyJob",
  allocs: "whyAllocation",
  evals: "whyEvaluation",
  deployment: "whyDeployment",
  nodes: "whyNode",
};

export const whyCommand: Command = {
  usage: "why [options] <job, deployment, allocation, evaluation or node>",
  summary: "Explains what something waits for",
  description:
    "Walks from a job, or whatever else the prefix of an id names, to the reason why it waits:\n" +
    "what each step waits for, since when, how much time is left, and what can be done.",
  flags: [VERBOSE, ...FORMAT_FLAGS],
  args: { min: 1, max: 1, message: "This command takes one argument: <identifier>" },
  async run(context) {
    const { api, args, flags, now, ui } = context;
    const found = await find(context, (args[0] ?? "").trim());
    const { endpoint, id, namespace } = found;
    const query = namespace === "" ? {} : { namespace };
    const read = api.call(endpoint, { params: { id }, query });
    const answer = await orFail(`Error querying ${quote(id)}`, read);
    if (wantsData(context)) {
      return await printData(context, exactAnswer(answer), plain("*api.Why"));
    }
    ui.output(whyText(answer.doc, { verbose: flags.bool("verbose"), now: now() }));
    return 0;
  },
};

/** What the agent knows by itself comes first: a cluster without a leader confirms nothing. */
const LOOK_UPS = [{ stale: "" }, {}] as const;

async function find(context: CommandContext, name: string) {
  for (const query of LOOK_UPS) {
    try {
      return await lookUp(context, name, query);
    } catch (error) {
      const isLast = query === LOOK_UPS[1];
      if (isLast || !(error instanceof CommandError)) throw error;
    }
  }
  throw new CommandError(`Unable to resolve ID: ${quote(name)}`);
}

/** A job of just that name comes first. */
async function lookUp(
  context: CommandContext,
  name: string,
  query: Readonly<Record<string, string>>,
) {
  const list = context.api.call("jobList", { query: { prefix: name, ...query } });
  const jobs = (await orFail("Error querying jobs", list)).doc.list();
  const job = jobs.find((each) => each.text("ID") === name);
  if (job) return { endpoint: "whyJob" as const, id: name, namespace: job.text("Namespace") };
  const { id, kind } = await resolveId(context, name, query);
  const endpoint = ENDPOINTS[kind];
  if (!endpoint) throw new CommandError(`Unable to explain ${kind}`);
  const namespace = jobs.find((each) => each.text("ID") === id)?.text("Namespace") ?? "";
  return { endpoint, id, namespace: namespace || context.namespace };
}
