/** `node status`: the nodes, or one node (spec chapter 7 §7.11). */

import { exactAnswer } from "../../api-client.ts";
import {
  type Command,
  type CommandContext,
  FORMAT_FLAGS,
  OPEN_UI,
  VERBOSE,
} from "../../command.ts";
import type { Doc } from "../../doc.ts";
import { table } from "../../format/columns.ts";
import { shortId } from "../../format/ids.ts";
import { quote } from "../../format/quote.ts";
import { plain } from "../../shared/api-forms.ts";
import { orFail } from "../../shared/errors.ts";
import { printData, wantsData } from "../../shared/format.ts";
import { printHint } from "../../shared/hint.ts";
import { findNode } from "../../shared/lookup.ts";
import { ownNodeId } from "../../shared/node.ts";
import { PAGE_FLAGS, pageQuery, printPageHint } from "../../shared/pages.ts";
import { printNode } from "./show-node.ts";

export const nodeStatusCommand: Command = {
  usage: "node status [options] <node>",
  summary: "Lists the nodes, or shows one",
  description: "Without an argument: all nodes. With a node: its resources and allocations.",
  flags: [
    { name: "self", kind: "bool", help: "The node of the asked agent." },
    { name: "stats", kind: "bool", help: "Show detailed resource usage." },
    { name: "allocs", kind: "bool", help: "In the list: count running allocations." },
    { name: "short", kind: "bool", help: "Show less." },
    { name: "os", kind: "bool", help: "In the list: show the operating system." },
    { name: "quiet", kind: "bool", help: "In the list: print whole ids only." },
    OPEN_UI,
    VERBOSE,
    ...PAGE_FLAGS,
    ...FORMAT_FLAGS,
  ],
  args: { min: 0, max: 1, message: "This command takes either no arguments or one: <node>" },
  async run(context) {
    const { api, args, flags } = context;
    const prefix = flags.bool("self") ? await ownNodeId(context) : args[0];
    if (prefix === undefined) return await listNodes(context);
    const stub = await findNode(context, prefix, {
      query: "Error querying node info",
      none: `No node(s) with prefix ${quote(prefix)} found`,
      purpose: "look",
    });
    const id = stub.text("ID");
    const answer = await orFail(
      "Error querying node info",
      api.call("nodeRead", { params: { id } }),
    );
    if (wantsData(context))
      return await printData(context, exactAnswer(answer), plain("*api.Node"));
    await printNode(context, answer.doc);
    const text = "View client details and metrics in the Web UI";
    await printHint(context, text, `/ui/clients/${id}`);
    return 0;
  },
};

async function listNodes(context: CommandContext): Promise<number> {
  const { api, flags, ui } = context;
  const query = { ...(flags.bool("os") ? { os: true } : {}), ...pageQuery(flags) };
  const answer = await orFail("Error querying node status", api.call("nodeList", { query }));
  if (wantsData(context)) {
    return await printData(context, exactAnswer(answer), plain("[]*api.NodeListStub"));
  }
  const nodes = answer.doc.list();
  if (nodes.length === 0) {
    ui.output("No nodes registered");
    return 0;
  }
  if (flags.bool("quiet")) {
    ui.output(nodes.map((node) => node.text("ID")).join("\n"));
    return 0;
  }
  ui.output(await nodeTable(context, nodes));
  printPageHint(context, answer.nextToken);
  await printHint(context, "View and manage Nomad clients in the Web UI", "/ui/clients");
  return 0;
}

async function nodeTable(context: CommandContext, nodes: readonly Doc[]): Promise<string> {
  const { flags } = context;
  const verbose = flags.bool("verbose");
  const columns: [title: string, cell: (node: Doc) => string][] = [
    ["ID", (node) => shortId(node.text("ID"), verbose)],
    ["Node Pool", (node) => node.text("NodePool")],
    ["DC", (node) => node.text("Datacenter")],
    ["Name", (node) => node.text("Name")],
    ["Class", (node) => node.text("NodeClass")],
  ];
  if (flags.bool("os")) columns.push(["OS", (node) => node.at("Attributes").text("os.name")]);
  if (verbose) {
    columns.push(["Address", (node) => node.text("Address")]);
    columns.push(["Version", (node) => node.text("Version")]);
  }
  columns.push(["Drain", (node) => String(node.flag("Drain"))]);
  columns.push(["Eligibility", (node) => node.text("SchedulingEligibility")]);
  columns.push(["Status", (node) => node.text("Status")]);
  const rows = nodes.map((node) => columns.map(([, cell]) => cell(node)));
  const header = columns.map(([title]) => title);
  if (!flags.bool("allocs")) return table([header, ...rows]);
  const counts = await Promise.all(nodes.map((node) => runningCount(context, node)));
  const counted = rows.map((row, i) => [...row, String(counts[i])]);
  return table([[...header, "Running Allocs"], ...counted]);
}

async function runningCount({ api }: CommandContext, node: Doc): Promise<number> {
  const read = api.call("nodeAllocations", { params: { id: node.text("ID") } });
  const { doc } = await orFail("Error querying node allocations", read);
  return doc.list().filter((alloc) => alloc.text("ClientStatus") === "running").length;
}
