/** `deployment status` (spec chapter 7 §7.7). */

import { parseDuration } from "@drover/base";
import {
  type Command,
  type CommandContext,
  CommandError,
  FORMAT_FLAGS,
  OPEN_UI,
  VERBOSE,
} from "../../command.ts";
import { shortId } from "../../format/ids.ts";
import { quote } from "../../format/quote.ts";
import { formatInstant } from "../../format/time.ts";
import { followDeployment } from "../../monitor/deployment-monitor.ts";
import { deploymentBlock } from "../../output/deployment.ts";
import { DEPLOYMENT } from "../../shared/api-forms.ts";
import { orFail } from "../../shared/errors.ts";
import { printData, wantsData } from "../../shared/format.ts";
import { printHint } from "../../shared/hint.ts";
import { findDeployment } from "../../shared/lookup.ts";
import { printWhyLine } from "../../shared/why.ts";
import { listDeployments } from "./list.ts";

export const deploymentStatusCommand: Command = {
  usage: "deployment status [options] <deployment id>",
  summary: "Shows a deployment",
  description: "Shows a deployment, with -monitor until it ends; without an id lists all.",
  flags: [
    { name: "monitor", kind: "bool", help: "Follow it to its end." },
    { name: "wait", kind: "duration", default: "2s", help: "With -monitor: longest pause." },
    OPEN_UI,
    VERBOSE,
    ...FORMAT_FLAGS,
  ],
  args: { min: 0, max: 1, message: "This command takes one argument: <deployment id>" },
  async run(context) {
    const { api, args, flags, ui } = context;
    const [prefix] = args;
    if (prefix === undefined) return await listDeployments(context);
    const found = await findDeployment(context, prefix);
    if (wantsData(context)) {
      return await printData(context, found.json, DEPLOYMENT);
    }
    const id = found.text("ID");
    const monitor = flags.bool("monitor");
    if (monitor) {
      const read = api.call("deploymentRead", { params: { id } });
      const { index } = await orFail("Error retrieving deployment", read);
      await follow(context, id, index);
    } else {
      const options = { ui, verbose: flags.bool("verbose"), withJob: true };
      ui.output(deploymentBlock(found, options));
      await printWhyLine(context, "whyDeployment", { id, namespace: found.text("Namespace") });
    }
    const path = `/ui/jobs/${found.text("JobID")}/deployments`;
    const text = "View all deployments for this job in the Web UI";
    await printHint(context, text, path, { monitor });
    return 0;
  },
};

async function follow(context: CommandContext, id: string, index: number): Promise<void> {
  const { flags, ui, now } = context;
  const verbose = flags.bool("verbose");
  const wait = parseDuration(flags.string("wait"));
  if (!wait.ok) throw new CommandError(`invalid value for flag -wait: ${wait.message}`);
  ui.output(`${formatInstant(now())}: Monitoring deployment ${quote(shortId(id, verbose))}`);
  const options = { verbose, wait: `${wait.nanos / 1e6}ms`, lead: "", index, leavePaused: false };
  await followDeployment(context, id, options);
}
