/** `node config` and `node pool …` (spec chapter 7 §7.11). */

import { formatDuration } from "@drover/base";
import { exactAnswer } from "../../api-client.ts";
import {
  type Command,
  type CommandContext,
  CommandError,
  FORMAT_FLAGS,
  misuse,
} from "../../command.ts";
import type { Doc } from "../../doc.ts";
import { keyValues, table } from "../../format/columns.ts";
import { shortId } from "../../format/ids.ts";
import { quote } from "../../format/quote.ts";
import { plain } from "../../shared/api-forms.ts";
import { orFail } from "../../shared/errors.ts";
import { printData, wantsData } from "../../shared/format.ts";
import { PAGE_FLAGS, pageQuery, printPageHint } from "../../shared/pages.ts";

export const nodeConfigCommand: Command = {
  usage: "node config [options]",
  summary: "Shows how the asked agent's client is set up",
  description: "Shows the servers that the client of the asked agent knows.",
  flags: [{ name: "servers", kind: "bool", help: "Show the known servers." }],
  args: { min: 0, max: 0, message: "This command takes no arguments" },
  async run({ api, flags, ui }) {
    if (!flags.bool("servers")) {
      throw misuse("node config", "The -servers flag must be set");
    }
    const { doc } = await orFail("Error querying server list", api.call("agentServers"));
    ui.output(
      doc
        .list()
        .map((address) => String(address.json))
        .join("\n"),
    );
    return 0;
  },
};

export const nodePoolListCommand: Command = {
  usage: "node pool list [options]",
  summary: "Lists the node pools",
  description: "Lists the node pools.",
  flags: [...PAGE_FLAGS, ...FORMAT_FLAGS],
  args: { min: 0, max: 0, message: "This command takes no arguments" },
  async run(context) {
    const { api, flags, ui } = context;
    const list = api.call("nodePoolList", { query: pageQuery(flags) });
    const answer = await orFail("Error querying node pools", list);
    if (wantsData(context)) {
      return await printData(context, exactAnswer(answer), plain("[]*api.NodePool"));
    }
    const rows = answer.doc
      .list()
      .map((pool) => [pool.text("Name"), pool.text("Description")])
      .sort(([a = ""], [b = ""]) => (a < b ? -1 : 1));
    ui.output(table([["Name", "Description"], ...rows]));
    printPageHint(context, answer.nextToken);
    return 0;
  },
};

const ONE_POOL = { min: 1, max: 1, message: "This command takes one argument: <node-pool>" };

async function findPool({ api, args }: CommandContext): Promise<Doc> {
  const prefix = args[0] as string;
  const list = api.call("nodePoolList", { query: { prefix } });
  const pools = (await orFail("Error retrieving node pool", list)).doc.list();
  const exact = pools.find((pool) => pool.text("Name") === prefix);
  const [only] = pools;
  if (exact) return exact;
  if (only && pools.length === 1) return only;
  if (!only) throw new CommandError(`No node pool with prefix ${quote(prefix)} found`);
  const rows = pools.map((pool) => [pool.text("Name"), pool.text("Description")]);
  const text = table([["Name", "Description"], ...rows]);
  throw new CommandError(`Prefix matched multiple node pools\n\n${text}`);
}

export const nodePoolInfoCommand: Command = {
  usage: "node pool info <node-pool>",
  summary: "Shows a node pool",
  description: "Shows a node pool.",
  flags: FORMAT_FLAGS,
  args: ONE_POOL,
  async run(context) {
    const { ui } = context;
    const pool = await findPool(context);
    if (wantsData(context)) return await printData(context, pool.json, plain("*api.NodePool"));
    ui.output(
      keyValues([
        ["Name", pool.text("Name")],
        ["Description", pool.text("Description")],
        ["Node Identity TTL", formatDuration(pool.num("NodeIdentityTTL"))],
      ]),
    );
    const meta = pool.entries("Meta");
    ui.output(`\n${ui.bold("Metadata")}`);
    if (meta.length === 0) ui.output("No metadata");
    else ui.output(keyValues(meta.map(([key, value]) => [key, String(value.json)])));
    ui.output(`\n${ui.bold("Scheduler Configuration")}`);
    const scheduler = pool.at("SchedulerConfiguration");
    const algorithm = scheduler.text("SchedulerAlgorithm");
    if (!scheduler.exists) ui.output("No scheduler configuration");
    else ui.output(keyValues([["Scheduler Algorithm", algorithm]]));
    return 0;
  },
};

export const nodePoolNodesCommand: Command = {
  usage: "node pool nodes <node-pool>",
  summary: "Lists the nodes of a pool",
  description: "Lists the nodes of a pool.",
  flags: [
    { name: "verbose", kind: "bool", help: "Print whole ids." },
    ...PAGE_FLAGS,
    ...FORMAT_FLAGS,
  ],
  args: ONE_POOL,
  async run(context) {
    const { api, flags, ui } = context;
    const name = (await findPool(context)).text("Name");
    const list = api.call("nodePoolNodes", { params: { name }, query: pageQuery(flags) });
    const answer = await orFail("Error querying nodes", list);
    if (wantsData(context)) {
      return await printData(context, exactAnswer(answer), plain("[]*api.NodeListStub"));
    }
    const rows = answer.doc
      .list()
      .map((node) => [
        shortId(node.text("ID"), flags.bool("verbose")),
        node.text("Datacenter"),
        node.text("Name"),
        node.text("NodeClass"),
        String(node.flag("Drain")),
        node.text("SchedulingEligibility"),
        node.text("Status"),
      ]);
    if (rows.length === 0) ui.output("No nodes");
    else {
      ui.output(table([["ID", "DC", "Name", "Class", "Drain", "Eligibility", "Status"], ...rows]));
    }
    printPageHint(context, answer.nextToken);
    return 0;
  },
};
