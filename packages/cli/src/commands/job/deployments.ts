/** `job deployments`: the deployments of a job, newest first (spec chapter 7 §7.7). */

import { exactAnswer } from "../../api-client.ts";
import { type Command, FORMAT_FLAGS, VERBOSE } from "../../command.ts";
import { deploymentBlock, deploymentTable } from "../../output/deployment.ts";
import { DEPLOYMENT, listOf, newestFirst } from "../../shared/api-forms.ts";
import { orFail } from "../../shared/errors.ts";
import { printData, wantsData } from "../../shared/format.ts";
import { findJob } from "../../shared/lookup.ts";

export const jobDeploymentsCommand: Command = {
  usage: "job deployments [options] <job>",
  summary: "Lists the deployments of a job",
  description: "Lists the deployments of a job; with -latest shows the newest one.",
  flags: [
    { name: "latest", kind: "bool", help: "Show the latest deployment only." },
    { name: "all", kind: "bool", help: "Also those of an older job of that id." },
    VERBOSE,
    ...FORMAT_FLAGS,
  ],
  args: { min: 1, max: 1, message: "This command takes one argument: <job>" },
  async run(context) {
    const { api, flags, ui } = context;
    const verbose = flags.bool("verbose");
    const { id, namespace } = await findJob(context, (context.args[0] as string).trim());
    const params = { id };
    if (flags.bool("latest")) {
      const read = api.call("jobLatestDeployment", { params, query: { namespace } });
      const answer = await orFail("Error retrieving deployments", read);
      if (wantsData(context)) {
        return await printData(context, exactAnswer(answer), DEPLOYMENT);
      }
      ui.output(
        answer.doc.exists
          ? deploymentBlock(answer.doc, { ui, verbose, withJob: true })
          : "No deployment found",
      );
      return 0;
    }
    const query = { all: flags.bool("all"), namespace };
    const list = api.call("jobDeployments", { params, query });
    const answer = await orFail("Error retrieving deployments", list);
    if (wantsData(context)) {
      return await printData(context, newestFirst(exactAnswer(answer)), listOf(DEPLOYMENT));
    }
    ui.output(deploymentTable(answer.doc.list(), verbose));
    return 0;
  },
};
