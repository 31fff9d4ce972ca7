/** `eval delete`: removes evaluations (spec chapter 7 §7.12). */
import { type Command, CommandError } from "../../command.ts";
import { confirm } from "../../shared/confirm.ts";
import { orFail } from "../../shared/errors.ts";
import { findEval } from "../../shared/lookup.ts";

const WRONG = "Error validating command args and flags:";

export const evalDeleteCommand: Command = {
  usage: "eval delete [options] <evaluation>",
  summary: "Deletes evaluations",
  description: "Deletes an evaluation, or those that the filter finds, while the broker is paused.",
  flags: [
    { name: "filter", kind: "string", help: "Expression that deleted ones fulfil." },
    { name: "yes", kind: "bool", help: "Ask no questions." },
  ],
  args: { min: 0, max: Number.POSITIVE_INFINITY, message: "" },
  async run(context) {
    const { api, args, flags, ui } = context;
    const filter = flags.string("filter");
    if (args.length === 0 && filter === "") {
      throw new CommandError(`${WRONG} evaluation ID or filter flag required`);
    }
    if (args.length > 0 && filter !== "") {
      throw new CommandError(`${WRONG} evaluation ID or filter flag, not both`);
    }
    const ids: string[] = [];
    for (const prefix of args) ids.push((await findEval(context, prefix)).text("ID"));
    const what = filter === "" ? `${ids.length} evaluation(s)` : "the evaluations found";
    if (!flags.bool("yes") && !(await confirm(context, `Delete ${what}? [y/N]`))) return 0;
    const body = filter === "" ? { EvalIDs: ids } : { EvalIDs: null, Filter: filter };
    const { doc } = await orFail("Error deleting evaluations", api.call("evalDelete", { body }));
    const count = doc.at("Count").exists ? doc.num("Count") : ids.length;
    ui.output(`Successfully deleted ${count} ${count === 1 ? "evaluation" : "evaluations"}`);
    return 0;
  },
};
