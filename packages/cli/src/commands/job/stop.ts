/** `job stop`: stops jobs, or removes them altogether (spec chapter 7 §7.9). */
import { type Command, type CommandContext, CommandError, DETACH, VERBOSE } from "../../command.ts";
import { quote } from "../../format/quote.ts";
import { monitorEvaluation } from "../../monitor/eval-monitor.ts";
import { confirm } from "../../shared/confirm.ts";
import { orFail } from "../../shared/errors.ts";
import { findJob } from "../../shared/lookup.ts";

export const jobStopCommand: Command = {
  usage: "job stop [options] <job>",
  summary: "Stops jobs",
  description:
    "Stops the jobs and follows what comes of it. A stopped job can be started again until it\n" +
    "is collected; -purge removes it at once.",
  flags: [
    DETACH,
    { name: "eval-priority", kind: "int", help: "Priority of the evaluation." },
    { name: "global", kind: "bool", help: "In all regions of a multi-region job." },
    { name: "no-shutdown-delay", kind: "bool", help: "Do not wait for shutdown delays." },
    { name: "purge", kind: "bool", help: "Remove the job from the state." },
    { name: "yes", kind: "bool", help: "Ask no questions." },
    VERBOSE,
  ],
  args: {
    min: 1,
    max: Number.POSITIVE_INFINITY,
    message: "This command takes at least one argument: <job>",
  },
  async run(context) {
    // Each is stopped and followed by itself; one that cannot be does not keep the others.
    const exits = await Promise.all(context.args.map((prefix) => stopOne(context, prefix.trim())));
    return exits.find((exit) => exit !== 0) ?? 0;
  },
};

async function stopOne(context: CommandContext, prefix: string): Promise<number> {
  try {
    return await stopJob(context, prefix);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    context.ui.error(error.message);
    return error.exitCode;
  }
}

async function stopJob(context: CommandContext, prefix: string): Promise<number> {
  const { api, flags, ui } = context;
  const { id, namespace } = await findJob(context, prefix);
  const options = { params: { id }, query: { namespace } };
  const job = (await orFail("Error deregistering job", api.call("jobRead", options))).doc;
  if (context.args.length === 1 && id !== prefix && !flags.bool("yes")) {
    const question = `Are you sure you want to stop job ${quote(id)}? [y/N]`;
    const exit = await confirm(context, question, "Cancelling job stop");
    if (exit !== null) return exit;
  }
  const query = {
    eval_priority: flags.int("eval-priority"),
    global: flags.bool("global"),
    namespace,
    no_shutdown_delay: flags.bool("no-shutdown-delay"),
    purge: flags.bool("purge"),
  };
  const stop = api.call("jobDelete", { params: { id }, query });
  const evalId = (await orFail("Error deregistering job", stop)).doc.text("EvalID");
  const isParent = job.at("Periodic").exists || job.at("ParameterizedJob").exists;
  if (evalId === "" || isParent) return 0;
  if (flags.bool("detach")) {
    ui.output(evalId);
    return 0;
  }
  return await monitorEvaluation(context, evalId, { verbose: flags.bool("verbose") });
}
