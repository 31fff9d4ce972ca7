/** What commands on one node share. */
import { type CommandContext, CommandError, misuse } from "../command.ts";
import type { Doc } from "../doc.ts";
import { quote } from "../format/quote.ts";
import { orFail } from "./errors.ts";
import { findNode } from "./lookup.ts";

/** The id of the node that the asked agent runs. */
export async function ownNodeId({ api }: CommandContext): Promise<string> {
  const { doc } = await orFail("Error querying agent", api.call("agentSelf"));
  const id = doc.at("stats").at("client").text("node_id");
  if (id === "") throw new CommandError("No local client node: the agent runs no client");
  return id;
}

/** The argument of a command, or with `-self` the node of the asked agent. */
export async function nodeIdOf(context: CommandContext, command: string): Promise<string> {
  const { args, flags } = context;
  const [prefix] = args;
  if (flags.bool("self") && prefix === undefined) return await ownNodeId(context);
  if (!flags.bool("self") && prefix !== undefined && args.length === 1) return prefix;
  throw misuse(command, "Node ID must be specified if -self isn't being used");
}

/** The whole node that a prefix means; `doing` begins the message when it cannot be had. */
export async function readNode(
  context: CommandContext,
  prefix: string,
  doing: string,
): Promise<{ readonly node: Doc; readonly index: number }> {
  const none = `No node(s) with prefix or id ${quote(prefix)} found`;
  const stub = await findNode(context, prefix, { query: doing, none, purpose: "act" });
  const read = context.api.call("nodeRead", { params: { id: stub.text("ID") } });
  const answer = await orFail(doing, read);
  return { node: answer.doc, index: answer.index };
}
