/** `node eligibility`: whether new allocations may come to a node (spec chapter 7 §7.11). */
import { type Command, misuse } from "../../command.ts";
import { orFail } from "../../shared/errors.ts";
import { nodeIdOf, readNode } from "../../shared/node.ts";

const DOING = "Error updating scheduling eligibility";

export const nodeEligibilityCommand: Command = {
  usage: "node eligibility [options] <node>",
  summary: "Says whether a node takes new allocations",
  description: "Lets new allocations come to a node, or keeps them away.",
  flags: [
    { name: "enable", kind: "bool", help: "The node takes allocations." },
    { name: "disable", kind: "bool", help: "The node takes none." },
    { name: "self", kind: "bool", help: "The node of the asked agent." },
  ],
  args: { min: 0, max: Number.POSITIVE_INFINITY, message: "" },
  async run(context) {
    const { api, flags, ui } = context;
    if (flags.bool("enable") === flags.bool("disable")) {
      throw misuse("node eligibility", "Either the '-enable' or '-disable' flag must be set");
    }
    const { node } = await readNode(context, await nodeIdOf(context, "node eligibility"), DOING);
    const id = node.text("ID");
    const eligibility = flags.bool("enable") ? "eligible" : "ineligible";
    const body = { NodeID: id, Eligibility: eligibility };
    await orFail(DOING, api.call("nodeEligibility", { params: { id }, body }));
    ui.output(`Node "${id}" scheduling eligibility set: ${eligibility} for scheduling`);
    return 0;
  },
};
