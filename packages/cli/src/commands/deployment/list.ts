/** `deployment list` (spec chapter 7 §7.7). */

import { exactAnswer } from "../../api-client.ts";
import { type Command, type CommandContext, FORMAT_FLAGS, VERBOSE } from "../../command.ts";
import { deploymentTable } from "../../output/deployment.ts";
import { DEPLOYMENT, listOf, newestFirst } from "../../shared/api-forms.ts";
import { orFail } from "../../shared/errors.ts";
import { printData, wantsData } from "../../shared/format.ts";

export const deploymentListCommand: Command = {
  usage: "deployment list [options]",
  summary: "Lists the deployments",
  description: "Lists the deployments, newest first.",
  flags: [
    { name: "filter", kind: "string", help: "Expression that listed ones fulfil." },
    VERBOSE,
    ...FORMAT_FLAGS,
  ],
  args: { min: 0, max: 0, message: "This command takes no arguments" },
  async run(context) {
    return await listDeployments(context);
  },
};

export async function listDeployments(context: CommandContext): Promise<number> {
  const { api, flags, ui } = context;
  const filter = flags.string("filter");
  const query = filter === "" ? {} : { filter };
  const answer = await orFail(
    "Error retrieving deployments",
    api.call("deploymentList", { query }),
  );
  if (wantsData(context)) {
    return await printData(context, newestFirst(exactAnswer(answer)), listOf(DEPLOYMENT));
  }
  ui.output(deploymentTable(answer.doc.list(), flags.bool("verbose")));
  return 0;
}
