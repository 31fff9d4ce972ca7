/** `ui`: where the web console is (spec chapter 7 §7.13). */
import { type Command, type CommandContext, CommandError } from "../command.ts";
import { quote } from "../format/quote.ts";
import { orFail } from "../shared/errors.ts";
import { searchAll } from "../shared/search.ts";

const PATHS: Readonly<Record<string, string>> = {
  jobs: "/ui/jobs",
  allocs: "/ui/allocations",
  nodes: "/ui/clients",
};

export const uiCommand: Command = {
  usage: "ui [options] <identifier>",
  summary: "Prints the address of the web console",
  description: "Prints the address of the web console, or of the page of what is named.",
  flags: [
    { name: "authenticate", kind: "bool", help: "Accepted for compatibility." },
    { name: "show-url", kind: "bool", help: "Accepted: the address is always printed." },
  ],
  args: {
    min: 0,
    max: 1,
    message: "This command takes no or one optional argument, [<identifier>]",
  },
  async run(context) {
    const [identifier] = context.args;
    const path = identifier === undefined ? "" : await pathOf(context, identifier);
    context.ui.output(`URL for web UI: ${context.api.address}${path}`);
    return 0;
  },
};

async function pathOf(context: CommandContext, identifier: string): Promise<string> {
  const { byContext } = await orFail("Error querying search", searchAll(context, identifier));
  for (const [kind, path] of Object.entries(PATHS)) {
    const ids = byContext.get(kind) ?? [];
    const id = ids.find((candidate) => candidate === identifier) ?? ids[0];
    if (id !== undefined) return `${path}/${id}`;
  }
  throw new CommandError(`Unable to resolve ID: ${quote(identifier)}`);
}
