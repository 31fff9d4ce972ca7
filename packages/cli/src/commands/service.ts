/** `service list|info|delete`: registrations of the built-in provider (spec chapter 7 §7.13). */

import { exactAnswer } from "../api-client.ts";
import {
  type Command,
  type CommandContext,
  CommandError,
  FORMAT_FLAGS,
  VERBOSE,
} from "../command.ts";
import type { Doc } from "../doc.ts";
import { keyValues, table } from "../format/columns.ts";
import { shortId } from "../format/ids.ts";
import { quote } from "../format/quote.ts";
import { plain } from "../shared/api-forms.ts";
import { orFail } from "../shared/errors.ts";
import { printData, wantsData } from "../shared/format.ts";
import { PAGE_FLAGS, pageQuery } from "../shared/pages.ts";

const FAILED = "Error listing service registrations";

export const serviceListCommand: Command = {
  usage: "service list [options]",
  summary: "Lists the services",
  description: "Lists the services registered with the built-in provider.",
  flags: FORMAT_FLAGS,
  args: { min: 0, max: 0, message: "This command takes no arguments" },
  async run(context) {
    const { api, ui } = context;
    const answer = await orFail(FAILED, api.call("serviceList"));
    if (wantsData(context)) {
      return await printData(
        context,
        exactAnswer(answer),
        plain("[]*api.ServiceRegistrationListStub"),
      );
    }
    const everywhere = context.namespace === "*";
    const rows = answer.doc
      .list()
      .flatMap((namespace) =>
        namespace
          .list("Services")
          .map((service) => [
            service.text("ServiceName"),
            ...(everywhere ? [namespace.text("Namespace")] : []),
            tagsText(service.texts("Tags").sort()),
          ]),
      );
    if (rows.length === 0) {
      ui.output("No service registrations found");
      return 0;
    }
    rows.sort(([a = ""], [b = ""]) => (a < b ? -1 : 1));
    const more = everywhere ? ["Namespace"] : [];
    ui.output(table([["Service Name", ...more, "Tags"], ...rows]));
    return 0;
  },
};

function tagsText(tags: readonly string[]): string {
  return `[${tags.join(",")}]`;
}

export const serviceInfoCommand: Command = {
  usage: "service info [options] <service_name>",
  summary: "Shows the instances of a service",
  description: "Shows the instances of a service registered with the built-in provider.",
  flags: [VERBOSE, ...PAGE_FLAGS, ...FORMAT_FLAGS],
  args: { min: 1, max: 1, message: "This command takes one argument: <service_name>" },
  async run(context) {
    const { api, flags, ui } = context;
    const { name, namespace } = await findService(context, context.args[0] as string);
    const query = { ...pageQuery(flags), namespace };
    const read = api.call("serviceRead", { params: { name }, query });
    const answer = await orFail("Error listing service registrations", read);
    if (wantsData(context)) {
      return await printData(context, exactAnswer(answer), plain("[]*api.ServiceRegistration"));
    }
    const instances = answer.doc.list();
    if (instances.length === 0) ui.output("No service registrations found");
    else if (flags.bool("verbose")) for (const one of instances) ui.output(instanceText(one));
    else ui.output(instanceTable(instances));
    if (answer.nextToken === "") return 0;
    const page = answer.nextToken;
    const words = context.commandLine.slice(0, -1).join(" ");
    ui.output("\nResults have been paginated. To get the next page run: \n");
    ui.output(`${words} -page-token=${page} ${context.args[0]} `);
    return 0;
  },
};

/** A name that begins no service means none: the servers do not look at prefixes themselves. */
async function findService(
  { api }: CommandContext,
  prefix: string,
): Promise<{ readonly name: string; readonly namespace: string }> {
  const answer = await orFail(FAILED, api.call("serviceList", { query: { prefix } }));
  const all = answer.doc.list().flatMap((namespace) =>
    namespace.list("Services").map((service) => ({
      name: service.text("ServiceName"),
      namespace: namespace.text("Namespace"),
    })),
  );
  const found = all.filter(({ name }) => name.startsWith(prefix));
  const exact = found.filter(({ name }) => name === prefix);
  const [only] = exact.length > 0 ? exact : found;
  if (only === undefined) {
    throw new CommandError(
      `${FAILED}: No service registrations with prefix ${quote(prefix)} found`,
    );
  }
  if (found.length > 1 && exact.length !== 1) {
    const rows = found.map(({ name, namespace }) => [name, namespace]);
    const list = table([["Service Name", "Namespace"], ...rows]);
    throw new CommandError(`${FAILED}: Prefix matched multiple services\n\n${list}`);
  }
  return only;
}

function addressOf(instance: Doc): string {
  return `${instance.text("Address")}:${instance.num("Port")}`;
}

function instanceTable(instances: readonly Doc[]): string {
  const rows = instances.map((one) => [
    one.text("JobID"),
    addressOf(one),
    tagsText(one.texts("Tags")),
    shortId(one.text("NodeID"), false),
    shortId(one.text("AllocID"), false),
  ]);
  return table([["Job ID", "Address", "Tags", "Node ID", "Alloc ID"], ...rows]);
}

function instanceText(one: Doc): string {
  return `${keyValues([
    ["ID", one.text("ID")],
    ["Service Name", one.text("ServiceName")],
    ["Namespace", one.text("Namespace")],
    ["Job ID", one.text("JobID")],
    ["Alloc ID", one.text("AllocID")],
    ["Node ID", one.text("NodeID")],
    ["Datacenter", one.text("Datacenter")],
    ["Address", addressOf(one)],
    ["Tags", tagsText(one.texts("Tags"))],
  ])}\n`;
}

export const serviceDeleteCommand: Command = {
  usage: "service delete [options] <service_name> <service_id>",
  summary: "Removes a registration",
  description: "Removes one instance of a service from the built-in provider.",
  flags: [],
  args: {
    min: 2,
    max: 2,
    message: "This command takes two arguments: <service_name> and <service_id>",
  },
  async run({ api, args, ui }) {
    const [name, id] = args as [string, string];
    const remove = api.call("serviceDelete", { params: { name, id } });
    await orFail("Error deleting service registration", remove);
    ui.output("Successfully deleted service registration");
    return 0;
  },
};
