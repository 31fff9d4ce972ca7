/** `alloc stop`: stops an allocation; another takes its place (spec chapter 7 §7.10). */
import { type Command, DETACH, VERBOSE } from "../../command.ts";
import { monitorEvaluation } from "../../monitor/eval-monitor.ts";
import { readAlloc } from "../../shared/alloc.ts";
import { orFail } from "../../shared/errors.ts";

export const allocStopCommand: Command = {
  usage: "alloc stop [options] <allocation>",
  summary: "Stops an allocation and has it replaced",
  description: "Stops an allocation; the scheduler places another one.",
  flags: [
    DETACH,
    { name: "no-shutdown-delay", kind: "bool", help: "Do not wait for shutdown delays." },
    VERBOSE,
  ],
  args: { min: 1, max: 1, message: "This command takes one argument: <alloc-id>" },
  async run(context) {
    const { api, args, flags, ui } = context;
    const alloc = await readAlloc(context, args[0] as string);
    const query = flags.bool("no-shutdown-delay") ? { no_shutdown_delay: true } : {};
    const stop = api.call("allocStop", { params: { id: alloc.text("ID") }, query });
    const evalId = (await orFail("Error stopping allocation", stop)).doc.text("EvalID");
    if (flags.bool("detach")) {
      ui.output(evalId);
      return 0;
    }
    return await monitorEvaluation(context, evalId, { verbose: flags.bool("verbose") });
  },
};
