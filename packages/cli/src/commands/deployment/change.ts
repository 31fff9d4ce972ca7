/** Commands that change a deployment's course (spec chapter 7 §7.7). */
import type { EndpointName } from "@drover/api";
import { type Command, type CommandContext, DETACH, VERBOSE } from "../../command.ts";
import type { Doc } from "../../doc.ts";
import { monitorEvaluation } from "../../monitor/eval-monitor.ts";
import { orFail } from "../../shared/errors.ts";
import { followOrDetach } from "../../shared/follow.ts";
import { findDeployment } from "../../shared/lookup.ts";
import { GROUP_FLAG, promoteBody } from "../../shared/promote.ts";

const ONE_DEPLOYMENT = {
  min: 1,
  max: 1,
  message: "This command takes one argument: <deployment id>",
};
const COMMON_BODY = { Region: "", Namespace: "", SecretID: "" };

interface Change {
  readonly endpoint: EndpointName;
  /** `Error <doing> deployment: …` */
  readonly doing: string;
  readonly body: (id: string) => Record<string, unknown>;
}

async function change(context: CommandContext, what: Change): Promise<{ id: string; doc: Doc }> {
  const id = (await findDeployment(context, context.args[0] as string)).text("ID");
  const call = context.api.call(what.endpoint, { params: { id }, body: what.body(id) });
  const { doc } = await orFail(`Error ${what.doing} deployment`, call);
  return { id, doc };
}

/** An empty line between what was done and what comes of it. */
async function followAfter(context: CommandContext, evalId: string): Promise<number> {
  if (!context.flags.bool("detach") && evalId !== "") context.ui.output("");
  return await followOrDetach(context, evalId);
}

export const deploymentPromoteCommand: Command = {
  usage: "deployment promote [options] <deployment id>",
  summary: "Promotes canaries",
  description: "Tells a deployment that its canaries are good: the rest of the group follows.",
  flags: [GROUP_FLAG, DETACH, VERBOSE],
  args: ONE_DEPLOYMENT,
  async run(context) {
    const { doc } = await change(context, {
      endpoint: "deploymentPromote",
      doing: "promoting",
      body: (id) => promoteBody(id, context.flags),
    });
    return await followOrDetach(context, doc.text("EvalID"));
  },
};

export const deploymentFailCommand: Command = {
  usage: "deployment fail [options] <deployment id>",
  summary: "Fails a deployment",
  description: "Ends a deployment as failed; groups with auto_revert go back.",
  flags: [DETACH, VERBOSE],
  args: ONE_DEPLOYMENT,
  async run(context) {
    const { id, doc } = await change(context, {
      endpoint: "deploymentFail",
      doing: "failing",
      body: (id) => ({ DeploymentID: id, ...COMMON_BODY }),
    });
    const reverted = doc.at("RevertedJobVersion");
    const back = reverted.exists
      ? `. Auto-reverted to job version ${doc.num("RevertedJobVersion")}.`
      : "";
    context.ui.output(`Deployment "${id}" failed${back}`);
    return await followAfter(context, doc.text("EvalID"));
  },
};

export const deploymentPauseCommand: Command = {
  usage: "deployment pause [options] <deployment id>",
  summary: "Pauses a deployment",
  description: "Keeps a deployment from placing anything until it is resumed.",
  flags: [VERBOSE],
  args: ONE_DEPLOYMENT,
  async run(context) {
    const { id } = await change(context, {
      endpoint: "deploymentPause",
      doing: "pausing",
      body: (id) => ({ DeploymentID: id, Pause: true, ...COMMON_BODY }),
    });
    context.ui.output(`Deployment "${id}" paused`);
    return 0;
  },
};

export const deploymentResumeCommand: Command = {
  usage: "deployment resume [options] <deployment id>",
  summary: "Resumes a paused deployment",
  description: "Lets a paused deployment go on.",
  flags: [DETACH, VERBOSE],
  args: ONE_DEPLOYMENT,
  async run(context) {
    const { id, doc } = await change(context, {
      endpoint: "deploymentPause",
      doing: "resuming",
      body: (id) => ({ DeploymentID: id, Pause: false, ...COMMON_BODY }),
    });
    context.ui.output(`Deployment "${id}" resumed`);
    return await followAfter(context, doc.text("EvalID"));
  },
};

export const deploymentUnblockCommand: Command = {
  usage: "deployment unblock [options] <deployment id>",
  summary: "Unblocks a deployment",
  description: "Marks a blocked deployment successful without waiting for other regions.",
  flags: [DETACH, VERBOSE],
  args: ONE_DEPLOYMENT,
  async run(context) {
    const { id, doc } = await change(context, {
      endpoint: "deploymentUnblock",
      doing: "unblocking",
      body: (id) => ({ DeploymentID: id, ...COMMON_BODY }),
    });
    context.ui.output(`Deployment "${id}" unblocked`);
    const evalId = doc.text("EvalID");
    if (evalId === "" || context.flags.bool("detach")) return 0;
    context.ui.output("");
    return await monitorEvaluation(context, evalId, { verbose: context.flags.bool("verbose") });
  },
};
