/** What commands that made an evaluation end with. */
import type { CommandContext } from "../command.ts";
import { monitorEvaluation } from "../monitor/eval-monitor.ts";

/**
 * Follows the evaluation, or with -detach prints its id. Nothing is to be followed when there is
 * none.
 */
export async function followOrDetach(context: CommandContext, evalId: string): Promise<number> {
  const { flags, ui } = context;
  if (evalId === "") return 0;
  if (flags.bool("detach")) {
    ui.output(`Evaluation ID: ${evalId}`);
    return 0;
  }
  return await monitorEvaluation(context, evalId, { verbose: flags.bool("verbose") });
}
