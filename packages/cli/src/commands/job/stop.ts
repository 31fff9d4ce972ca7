/** `job stop`: stops jobs, or removes them altogether (spec chapter 7 §7.9). */
import { type Command, type CommandContext, DETACH, VERBOSE } from "../../command.ts";
import { quote } from "../../format/quote.ts";
import { monitorEvaluation } from "../../monitor/eval-monitor.ts";
import { confirm } from "../../shared/confirm.ts";
import { orFail } from "../../shared/errors.ts";
import { findJob } from "../../shared/lookup.ts";
import { parseCount } from "../../shared/numbers.ts";

export const jobStopCommand: Command = {
  usage: "job stop [options] <job>",
  summary: "Stops jobs",
  description:
    "Stops the jobs and follows what comes of it. A stopped job can be started again until it\n" +
    "is collected; -purge removes it at once.",
  flags: [
    DETACH,
    { name: "eval-priority", kind: "string", help: "Priority of the evaluation." },
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
    let worst = 0;
    for (const prefix of context.args) {
      worst = Math.max(worst, await stopJob(context, prefix.trim()));
    }
    return worst;
  },
};

async function stopJob(context: CommandContext, prefix: string): Promise<number> {
  const { api, flags, ui } = context;
  const { id, namespace } = await findJob(context, prefix);
  const options = { params: { id }, query: { namespace } };
  const job = (await orFail("Error deregistering job", api.call("jobRead", options))).doc;
  if (id !== prefix && !flags.bool("yes")) {
    const sure = await confirm(context, `Are you sure you want to stop job ${quote(id)}? [y/N]`);
    if (!sure) {
      ui.output("Cancelling job stop");
      return 0;
    }
  }
  const priority = flags.string("eval-priority");
  const query = {
    eval_priority: priority === "" ? 0 : parseCount("eval-priority", priority),
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
