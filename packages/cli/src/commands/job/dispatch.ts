/** `job dispatch` and `job periodic force`: launches children of a job (spec chapter 7 §7.9). */
import { resolve } from "node:path";
import {
  type Command,
  type CommandContext,
  CommandError,
  DETACH,
  OPEN_UI,
  VERBOSE,
} from "../../command.ts";
import type { Doc } from "../../doc.ts";
import { keyValues } from "../../format/columns.ts";
import { shortId } from "../../format/ids.ts";
import { monitorEvaluation } from "../../monitor/eval-monitor.ts";
import { orFail } from "../../shared/errors.ts";
import { printHint } from "../../shared/hint.ts";
import { readInputFile } from "../../shared/input-file.ts";
import { findJob } from "../../shared/lookup.ts";

export const jobDispatchCommand: Command = {
  usage: "job dispatch [options] <parameterized job> [input source]",
  summary: "Launches a parameterized job",
  description:
    "Launches an instance of a parameterized job, with the file as its input, - for standard\n" +
    "input.",
  flags: [
    { name: "meta", kind: "list", help: "key=value for the instance; may be repeated." },
    DETACH,
    { name: "idempotency-token", kind: "string", help: "Only one instance has this token." },
    { name: "id-prefix-template", kind: "string", help: "Part of the instance's id." },
    { name: "priority", kind: "int", help: "Priority of the instance." },
    { name: "wait", kind: "bool", help: "Accepted for compatibility." },
    OPEN_UI,
    VERBOSE,
  ],
  args: {
    min: 1,
    max: 2,
    message: "This command takes one or two argument: <parameterized job> [input source]",
  },
  async run(context) {
    const { api, args, flags, ui } = context;
    const payload = args[1] === undefined ? null : await readInput(context, args[1]);
    const meta = pairsOf(flags.list("meta"));
    const { id, namespace } = await findJob(context, (args[0] as string).trim(), {
      filter: 'ParentID == "" and ParameterizedJob is not nil',
      what: "parameterized job(s)",
    });
    const token = flags.string("idempotency-token");
    const body = {
      JobID: id,
      Payload: payload === null ? null : payload.toString("base64"),
      Meta: meta,
      IdPrefixTemplate: flags.string("id-prefix-template"),
      Priority: flags.int("priority"),
    };
    const query = token === "" ? { namespace } : { idempotency_token: token, namespace };
    const dispatch = api.call("jobDispatch", { params: { id }, query, body });
    const { doc } = await orFail("Failed to dispatch job", dispatch);
    return await reportDispatch(context, doc, ui.output);
  },
};

async function reportDispatch(
  context: CommandContext,
  answer: Doc,
  output: (text: string) => void,
): Promise<number> {
  const { flags } = context;
  const verbose = flags.bool("verbose");
  const evalId = answer.text("EvalID");
  const childId = answer.text("DispatchedJobID");
  const pairs: [string, string][] = [["Dispatched Job ID", childId]];
  if (evalId !== "") pairs.push(["Evaluation ID", shortId(evalId, verbose)]);
  output(keyValues(pairs));
  const path = `/ui/jobs/${encodeURIComponent(childId)}@${context.namespace || "default"}`;
  if (evalId === "" || flags.bool("detach")) return 0;
  output("");
  await printHint(context, "View this job in the Web UI", path, { monitor: true });
  return await monitorEvaluation(context, evalId, { verbose });
}

async function readInput(context: CommandContext, source: string): Promise<Buffer> {
  if (source === "-") return Buffer.from(await context.stdin(), "utf8");
  const path = resolve(context.directory, source);
  return await orFail("Error reading input data", readInputFile(path, source));
}

function pairsOf(list: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    list.map((pair) => {
      const at = pair.indexOf("=");
      if (at < 0) throw new CommandError(`Error parsing meta value: ${pair}`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

export const jobPeriodicForceCommand: Command = {
  usage: "job periodic force <job id>",
  summary: "Launches a periodic job now",
  description: "Launches an instance of a periodic job although it is not its time.",
  flags: [DETACH, VERBOSE],
  args: { min: 1, max: 1, message: "This command takes one argument: <job id>" },
  async run(context) {
    const { api, args, flags, ui } = context;
    const { id, namespace } = await findJob(context, (args[0] as string).trim(), {
      filter: "Periodic is not nil",
      what: "periodic job(s)",
    });
    const force = api.call("jobPeriodicForce", { params: { id }, query: { namespace } });
    const evalId = (await orFail("Error forcing periodic job", force)).doc.text("EvalID");
    if (!flags.bool("detach")) {
      return await monitorEvaluation(context, evalId, { verbose: flags.bool("verbose") });
    }
    ui.output("Force periodic successful");
    ui.output(`Evaluation ID: ${evalId}`);
    return 0;
  },
};
