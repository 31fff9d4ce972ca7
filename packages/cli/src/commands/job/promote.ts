/** `job promote`: promotes the canaries of a job's latest deployment (spec chapter 7 §7.7). */
import { type Command, CommandError, DETACH, VERBOSE } from "../../command.ts";
import { quote } from "../../format/quote.ts";
import { orFail } from "../../shared/errors.ts";
import { followOrDetach } from "../../shared/follow.ts";
import { findJob } from "../../shared/lookup.ts";
import { GROUP_FLAG, promoteBody } from "../../shared/promote.ts";

export const jobPromoteCommand: Command = {
  usage: "job promote [options] <job id>",
  summary: "Promotes the canaries of a job",
  description: "Tells the latest deployment of the job that its canaries are good.",
  flags: [GROUP_FLAG, DETACH, VERBOSE],
  args: { min: 1, max: 1, message: "This command takes one argument: <job id>" },
  async run(context) {
    const { api, flags } = context;
    const { id, namespace } = await findJob(context, (context.args[0] as string).trim());
    const query = { namespace };
    const latest = api.call("jobLatestDeployment", { params: { id }, query });
    const deploymentId = (await orFail("Error retrieving deployments", latest)).doc.text("ID");
    if (deploymentId === "") {
      throw new CommandError(`No deployments found for job ${quote(id)}`);
    }
    const body = promoteBody(deploymentId, flags);
    const promoted = await orFail(
      `Error promoting deployment ${quote(deploymentId)} for job ${quote(id)}`,
      api.call("deploymentPromote", { params: { id: deploymentId }, query, body }),
    );
    return await followOrDetach(context, promoted.doc.text("EvalID"));
  },
};
