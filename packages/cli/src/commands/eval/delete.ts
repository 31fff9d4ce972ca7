/** `eval delete`: removes evaluations (spec chapter 7 §7.12). */
import { type Command, type CommandContext, CommandError, PROGRAM } from "../../command.ts";
import { orFail } from "../../shared/errors.ts";

const WRONG = "Error validating command args and flags:";
const SET_PAUSE = `${PROGRAM} operator scheduler set-config -pause-eval-broker`;

export const evalDeleteCommand: Command = {
  usage: "eval delete [options] <evaluation>",
  summary: "Deletes evaluations",
  description: "Deletes an evaluation, or those that the filter finds, while the broker is paused.",
  flags: [
    { name: "filter", kind: "string", help: "Expression that deleted ones fulfil." },
    { name: "yes", kind: "bool", help: "Accepted for compatibility: nothing is asked." },
  ],
  args: { min: 0, max: Number.POSITIVE_INFINITY, message: "" },
  async run(context) {
    const { api, args, flags, ui } = context;
    const filter = flags.string("filter");
    if ((args.length === 0) === (filter === "")) {
      throw new CommandError(`${WRONG} evaluation ID or filter flag required`);
    }
    if (args.length > 1) throw new CommandError(`${WRONG} expected 1 argument, got ${args.length}`);
    if (!(await isBrokerPaused(context))) {
      ui.error("Eval broker is not paused");
      ui.output(
        `To delete evaluations you must first pause the eval broker by running "${SET_PAUSE}=true"`,
      );
      ui.output(
        `After the deletion is complete, unpause the eval broker by running "${SET_PAUSE}=false"`,
      );
      return 1;
    }
    const body = filter === "" ? { EvalIDs: args, Filter: "" } : { EvalIDs: null, Filter: filter };
    const { doc } = await orFail("Error deleting evaluations", api.call("evalDelete", { body }));
    const count = doc.at("Count").exists ? doc.num("Count") : args.length;
    if (count === 0) ui.output("No evaluations were deleted");
    else ui.output(`Successfully deleted ${count} ${count === 1 ? "evaluation" : "evaluations"}`);
    return 0;
  },
};

async function isBrokerPaused({ api }: CommandContext): Promise<boolean> {
  const read = api.call("schedulerConfigRead");
  const { doc } = await orFail("Error querying scheduler configuration", read);
  return doc.at("SchedulerConfig").flag("PauseEvalBroker");
}
