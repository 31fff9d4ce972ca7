/** `job start`: runs a stopped job again (spec chapter 7 §7.9). */
import type { JsonObject } from "@drover/model";
import { exactAnswer } from "../../api-client.ts";
import { type Command, CommandError, DETACH, VERBOSE } from "../../command.ts";
import { quote } from "../../format/quote.ts";
import { monitorEvaluation } from "../../monitor/eval-monitor.ts";
import { applyForm, JOB } from "../../shared/api-forms.ts";
import { orFail } from "../../shared/errors.ts";
import { findJob } from "../../shared/lookup.ts";

export const jobStartCommand: Command = {
  usage: "job start [options] <job>",
  summary: "Starts a stopped job again",
  description: "Registers the job again as it was when it was stopped, and follows it.",
  flags: [DETACH, VERBOSE],
  args: { min: 1, max: 1, message: "This command takes one argument: <job>" },
  async run(context) {
    const { api, flags, ui } = context;
    const { id, namespace } = await findJob(context, (context.args[0] as string).trim());
    const params = { id };
    const read = api.call("jobRead", { params, query: { namespace } });
    const answer = await orFail("Error starting job", read);
    if (!answer.doc.flag("Stop")) throw new CommandError(`Job ${quote(id)} is already running`);
    const body = {
      Submission: null,
      Job: { ...(applyForm(exactAnswer(answer), JOB) as JsonObject), Stop: false },
      Region: "",
      Namespace: "",
      SecretID: "",
    };
    const started = await orFail("Error starting job", api.call("jobRegister", { body }));
    const evalId = started.doc.text("EvalID");
    if (evalId === "") return 0;
    if (flags.bool("detach")) {
      ui.output(evalId);
      return 0;
    }
    return await monitorEvaluation(context, evalId, { verbose: flags.bool("verbose") });
  },
};
