/** `job eval`: has the scheduler look at a job again (spec chapter 7 §7.9). */
import { type Command, DETACH, VERBOSE } from "../../command.ts";
import { quote } from "../../format/quote.ts";
import { monitorEvaluation } from "../../monitor/eval-monitor.ts";
import { orFail } from "../../shared/errors.ts";
import { findJob } from "../../shared/lookup.ts";

export const jobEvalCommand: Command = {
  usage: "job eval [options] <job_id>",
  summary: "Evaluates a job again",
  description: "Makes an evaluation of the job although nothing has changed.",
  flags: [
    { name: "force-reschedule", kind: "bool", help: "Place failed allocations again now." },
    DETACH,
    VERBOSE,
  ],
  args: { min: 1, max: 1, message: "This command takes one argument: <job>" },
  async run(context) {
    const { api, flags, ui } = context;
    const verbose = flags.bool("verbose");
    const { id, namespace } = await findJob(context, (context.args[0] as string).trim());
    const body = {
      JobID: id,
      EvalOptions: { ForceReschedule: flags.bool("force-reschedule") },
      Region: "",
      Namespace: "",
      SecretID: "",
    };
    const evaluate = api.call("jobEvaluate", { params: { id }, query: { namespace }, body });
    const evalId = (await orFail("Error evaluating job", evaluate)).doc.text("EvalID");
    if (!flags.bool("detach")) return await monitorEvaluation(context, evalId, { verbose });
    ui.output(`Created eval ID: ${quote(verbose ? evalId : evalId.slice(0, 8))} `);
    return 0;
  },
};
