/** `scaling policy list` and `info` (spec chapter 8 §8.6): the policies that autoscalers act by. */
import { exactAnswer } from "../api-client.ts";
import { type Command, CommandError, FORMAT_FLAGS, VERBOSE } from "../command.ts";
import type { Doc } from "../doc.ts";
import { prettyAnswer } from "../exact-json.ts";
import { keyValues, table } from "../format/columns.ts";
import { shortId } from "../format/ids.ts";
import { quote } from "../format/quote.ts";
import { plain } from "../shared/api-forms.ts";
import { orFail } from "../shared/errors.ts";
import { printData, wantsData } from "../shared/format.ts";
import { checkIdLength, evenPrefix } from "../shared/lookup.ts";

export const scalingPolicyListCommand: Command = {
  usage: "scaling policy list [options]",
  summary: "Lists the scaling policies",
  description: "Lists the scaling policies of all jobs, or those of one.",
  flags: [
    { name: "job", kind: "string", help: "Only policies of this job." },
    { name: "type", kind: "string", help: "Only policies of this type." },
    VERBOSE,
    ...FORMAT_FLAGS,
  ],
  args: { min: 0, max: 0, message: "This command takes no arguments" },
  async run(context) {
    const { api, flags, ui } = context;
    const query: Record<string, string> = {};
    for (const name of ["job", "type"]) {
      if (flags.string(name) !== "") query[name] = flags.string(name);
    }
    const list = api.call("scalingPolicies", { query });
    const answer = await orFail("Error listing scaling policies", list);
    if (wantsData(context)) {
      return await printData(context, exactAnswer(answer), plain("[]*api.ScalingPolicyListStub"));
    }
    const policies = answer.doc.list();
    if (policies.length === 0) ui.output("No policies found");
    else ui.output(policyTable(policies, flags.bool("verbose")));
    return 0;
  },
};

export const scalingPolicyInfoCommand: Command = {
  usage: "scaling policy info [options] <policy_id>",
  summary: "Shows a scaling policy",
  description: "Shows the bounds of a scaling policy, and what it says to an autoscaler.",
  flags: [VERBOSE, ...FORMAT_FLAGS],
  args: { min: 1, max: 1, message: "This command takes one argument: <policy_id>" },
  async run(context) {
    const { api, args, flags, ui } = context;
    const prefix = (args[0] as string).trim();
    checkIdLength(prefix, "Identifier must contain at least two characters.");
    const search = api.call("scalingPolicies", { query: { prefix: evenPrefix(prefix) } });
    const { doc } = await orFail("Error querying scaling policy", search);
    const found = doc.list().filter((policy) => policy.text("ID").startsWith(prefix));
    const [only] = found;
    if (only === undefined) {
      throw new CommandError(`No scaling policies with prefix or id ${quote(prefix)} found`);
    }
    if (found.length > 1) {
      const list = policyTable(found, flags.bool("verbose"));
      throw new CommandError(`Prefix matched multiple scaling policies\n\n${list}`);
    }
    const read = api.call("scalingPolicy", { params: { id: only.text("ID") } });
    const answer = await orFail("Error querying scaling policy", read);
    if (wantsData(context)) {
      return await printData(context, exactAnswer(answer), plain("*api.ScalingPolicy"));
    }
    const policy = answer.doc;
    ui.output(
      keyValues([
        ["ID", shortId(policy.text("ID"), flags.bool("verbose"))],
        ["Enabled", String(policy.flag("Enabled"))],
        ["Target", targetText(policy)],
        ["Min", String(policy.num("Min"))],
        ["Max", String(policy.num("Max"))],
      ]),
    );
    const words = policy.at("Policy");
    ui.output(`\n${ui.bold("Policy:")}`);
    ui.output(words.entries().length === 0 ? "<empty>" : prettyAnswer(words.json));
    return 0;
  },
};

function policyTable(policies: readonly Doc[], verbose: boolean): string {
  const rows = policies
    .toSorted((a, b) => (a.text("ID") < b.text("ID") ? -1 : 1))
    .map((policy) => [
      shortId(policy.text("ID"), verbose),
      String(policy.flag("Enabled")),
      policy.text("Type"),
      targetText(policy),
    ]);
  return table([["ID", "Enabled", "Type", "Target"], ...rows]);
}

/** From the widest to the narrowest: `Namespace:default,Job:web,Group:api`. */
function targetText(policy: Doc): string {
  const target = policy.at("Target");
  return ["Namespace", "Job", "Group", "Task"]
    .filter((name) => target.text(name) !== "")
    .map((name) => `${name}:${target.text(name)}`)
    .join(",");
}
