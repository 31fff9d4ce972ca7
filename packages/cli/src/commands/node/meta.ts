/** `node meta read` (spec chapter 7 §7.11). */
import { exactAnswer } from "../../api-client.ts";
import { type Command, FORMAT_FLAGS } from "../../command.ts";
import type { Doc } from "../../doc.ts";
import { keyValues } from "../../format/columns.ts";
import { quote } from "../../format/quote.ts";
import { plain } from "../../shared/api-forms.ts";
import { orFail } from "../../shared/errors.ts";
import { printData, wantsData } from "../../shared/format.ts";
import { findNode } from "../../shared/lookup.ts";

export const nodeMetaReadCommand: Command = {
  usage: "node meta read [-json] [-node-id ...]",
  summary: "Shows the metadata of a node",
  description: "Shows the metadata of a node: all, what was set at run time, what its file says.",
  flags: [
    { name: "node-id", kind: "string", help: "The node; the asked agent's when left out." },
    ...FORMAT_FLAGS,
  ],
  args: { min: 0, max: 0, message: "This command takes no arguments" },
  async run(context) {
    const { api, flags, ui } = context;
    const prefix = flags.string("node-id");
    const query: Record<string, string> = {};
    if (prefix !== "") {
      const none = `No node(s) with prefix or id ${quote(prefix)} found`;
      const node = await findNode(context, prefix, {
        query: "Error querying node",
        none,
        purpose: "act",
      });
      query.node_id = node.text("ID");
    }
    const read = api.call("clientMetadata", { query });
    const answer = await orFail("Error reading dynamic node metadata", read);
    if (wantsData(context)) {
      return await printData(context, exactAnswer(answer), plain("*api.NodeMetaResponse"));
    }
    ui.output(ui.bold("All Meta"));
    ui.output(metaText(answer.doc, "Meta"));
    ui.output(`\n${ui.bold("Dynamic Meta")}`);
    ui.output(metaText(answer.doc, "Dynamic"));
    ui.output(`\n${ui.bold("Static Meta")}`);
    ui.output(metaText(answer.doc, "Static"));
    return 0;
  },
};

function metaText(answer: Doc, name: string): string {
  return keyValues(answer.entries(name).map(([key, value]) => [key, String(value.json)]));
}
