/** `namespace …` (spec chapter 7 §7.13). */

import { exactAnswer } from "../api-client.ts";
import { type Command, type CommandContext, CommandError, FORMAT_FLAGS } from "../command.ts";
import { Doc } from "../doc.ts";
import { prettyAnswer } from "../exact-json.ts";
import { keyValues, table } from "../format/columns.ts";
import { quote } from "../format/quote.ts";
import { plain } from "../shared/api-forms.ts";
import { orFail } from "../shared/errors.ts";
import { printData, renderWith, wantsData } from "../shared/format.ts";

const ONE_NAMESPACE = { min: 1, max: 1, message: "This command takes one argument: <namespace>" };

export const namespaceListCommand: Command = {
  usage: "namespace list [options]",
  summary: "Lists the namespaces",
  description: "Lists the namespaces.",
  flags: FORMAT_FLAGS,
  args: { min: 0, max: 0, message: "This command takes no arguments" },
  async run(context) {
    const { api, ui } = context;
    const answer = await orFail("Error retrieving namespaces", api.call("namespaceList"));
    if (wantsData(context)) {
      return await printData(context, exactAnswer(answer), plain("[]*api.Namespace"));
    }
    const rows = answer.doc
      .list()
      .map((namespace) => [namespace.text("Name"), namespace.text("Description")])
      .sort(([a = ""], [b = ""]) => (a < b ? -1 : 1));
    if (rows.length === 0) ui.output("No namespaces found");
    else ui.output(table([["Name", "Description"], ...rows]));
    return 0;
  },
};

export const namespaceStatusCommand: Command = {
  usage: "namespace status [options] <namespace>",
  summary: "Shows a namespace",
  description: "Shows a namespace and what jobs in it may use.",
  flags: FORMAT_FLAGS,
  args: ONE_NAMESPACE,
  async run(context) {
    const { exact, doc } = await findNamespace(context);
    if (wantsData(context)) return await printData(context, exact, plain("*api.Namespace"));
    const can = doc.at("Capabilities");
    context.ui.output(
      keyValues([
        ["Name", doc.text("Name")],
        ["Description", doc.text("Description")],
        ["Quota", doc.text("Quota")],
        ["Enabled Drivers", can.texts("EnabledTaskDrivers").join(",") || "*"],
        ["Disabled Drivers", can.texts("DisabledTaskDrivers").join(",")],
        ["Enabled Network Modes", can.texts("EnabledNetworkModes").join(",") || "*"],
        ["Disabled Network Modes", can.texts("DisabledNetworkModes").join(",")],
      ]),
    );
    const meta = doc.entries("Meta");
    if (meta.length > 0) {
      const pairs = meta.map(([key, value]) => [key, String(value.json)] as const);
      context.ui.output(`\n${context.ui.bold("Metadata")}\n${keyValues(pairs)}`);
    }
    return 0;
  },
};

export const namespaceInspectCommand: Command = {
  usage: "namespace inspect [options] <namespace>",
  summary: "Prints a namespace as JSON",
  description: "Prints a namespace as the servers hold it.",
  flags: [{ name: "t", kind: "string", help: "Print the answer through a Go template." }],
  args: ONE_NAMESPACE,
  async run(context) {
    const { exact } = await findNamespace(context);
    const template = context.flags.string("t");
    if (template === "") context.ui.output(prettyAnswer(exact));
    else context.ui.output(await renderWith(template, exact, plain("*api.Namespace")));
    return 0;
  },
};

async function findNamespace({ api, args }: CommandContext) {
  const prefix = args[0] as string;
  const answer = await orFail(
    "Error retrieving namespaces",
    api.call("namespaceList", { query: { prefix } }),
  );
  const found = new Doc(exactAnswer(answer)).list();
  const names = answer.doc.list().map((namespace) => namespace.text("Name"));
  const at = names.length === 1 ? 0 : names.indexOf(prefix);
  const [exact, doc] = [found[at], answer.doc.list()[at]];
  if (exact && doc) return { exact: exact.json, doc };
  if (names.length === 0) {
    throw new CommandError(`Namespace ${quote(prefix)} matched no namespaces`);
  }
  const list = table([["Name"], ...names.map((name) => [name])]);
  throw new CommandError(`Prefix matched multiple namespaces\n\n${list}`);
}

export const namespaceApplyCommand: Command = {
  usage: "namespace apply [options] <input>",
  summary: "Makes or changes a namespace",
  description: "Makes a namespace with the name, or changes the one there is.",
  flags: [
    { name: "quota", kind: "string", help: "Accepted for compatibility." },
    { name: "description", kind: "string", help: "What the namespace is for." },
    { name: "json", kind: "bool", help: "The argument is a JSON file, - for standard input." },
  ],
  args: { min: 1, max: 1, message: "This command takes one argument: <input>" },
  async run(context) {
    const { api, args, flags, ui } = context;
    const body = flags.bool("json")
      ? await readSpec(context, args[0] as string)
      : await changedNamespace(context, args[0] as string);
    const name = String(body.Name ?? "");
    const write = api.call("namespaceWrite", { params: { name }, body });
    await orFail("Error applying namespace", write);
    ui.output(`Successfully applied namespace ${quote(name)}!`);
    return 0;
  },
};

async function readSpec(context: CommandContext, path: string): Promise<Record<string, unknown>> {
  const { readInputFile } = await import("../shared/input-file.ts");
  const { resolve } = await import("node:path");
  const text =
    path === "-"
      ? await context.stdin()
      : (
          await orFail(
            "Error reading input data",
            readInputFile(resolve(context.directory, path), path),
          )
        ).toString("utf8");
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new CommandError(`Error parsing the namespace: ${error.message}`);
  }
}

/** What is not given stays as it is. */
async function changedNamespace(
  { api, flags }: CommandContext,
  name: string,
): Promise<Record<string, unknown>> {
  const list = api.call("namespaceList", { query: { prefix: name } });
  const all = (await orFail("Error retrieving namespaces", list)).doc.list();
  const existing = all.find((namespace) => namespace.text("Name") === name);
  return {
    ...((existing?.json ?? {}) as Record<string, unknown>),
    Name: name,
    ...(flags.has("description") ? { Description: flags.string("description") } : {}),
    ...(flags.has("quota") ? { Quota: flags.string("quota") } : {}),
  };
}

export const namespaceDeleteCommand: Command = {
  usage: "namespace delete [options] <namespace>",
  summary: "Removes a namespace",
  description: "Removes a namespace that no job uses.",
  flags: [],
  args: ONE_NAMESPACE,
  async run({ api, args, ui }) {
    const name = args[0] as string;
    const remove = api.call("namespaceDelete", { params: { name } });
    await orFail("Error deleting namespace", remove);
    ui.output(`Successfully deleted namespace ${quote(name)}!`);
    return 0;
  },
};
