/** Every command by its words. Modules load when they are needed: a command must start fast. */
import type { Command } from "../command.ts";

interface Entry {
  readonly summary: string;
  readonly load: () => Promise<Command>;
  /** Left out of the list of commands: the short form of another one. */
  readonly alias?: string;
}

const COMMANDS: Readonly<Record<string, Entry>> = {
  agent: {
    summary: "Runs an agent: server, client, or both",
    load: async () => (await import("./agent.ts")).agentCommand,
  },
  version: {
    summary: "Prints the version",
    load: async () => (await import("./version.ts")).versionCommand,
  },
};

export type Found =
  | { readonly kind: "command"; readonly command: Command; readonly words: readonly string[] }
  /** -1: the first word is no command at all. */
  | { readonly kind: "help"; readonly words: readonly string[]; readonly exitCode: number };

/** The longest run of words that names a command wins; flags end the words. */
export async function findCommand(argv: readonly string[]): Promise<Found> {
  const words: string[] = [];
  for (const word of argv) {
    if (word.startsWith("-")) break;
    words.push(word);
  }
  const asked = argv[words.length]?.replace(/^--?/, "");
  if (words.length === 0) {
    if (asked === "version" || asked === "v") return await found(["version"], "version");
    return { kind: "help", words: [], exitCode: asked === "help" || asked === "h" ? 0 : 127 };
  }
  for (let length = words.length; length > 0; length--) {
    const name = words.slice(0, length).join(" ");
    if (name in COMMANDS) return await found(words.slice(0, length), name);
    if (hasSubcommands(name)) {
      const known = length === words.length;
      const help = known && (asked === "help" || asked === "h");
      return { kind: "help", words: words.slice(0, length), exitCode: help ? 0 : 1 };
    }
  }
  return { kind: "help", words: [], exitCode: -1 };
}

async function found(words: readonly string[], name: string): Promise<Found> {
  const entry = COMMANDS[name] as Entry;
  return { kind: "command", command: await entry.load(), words };
}

function hasSubcommands(name: string): boolean {
  return Object.keys(COMMANDS).some((key) => key.startsWith(`${name} `));
}

/** What is printed when the words name a group of commands, or nothing. */
export function helpForWords(words: readonly string[]): string {
  const prefix = words.length === 0 ? "" : `${words.join(" ")} `;
  const below = Object.entries(COMMANDS).filter(
    ([name, entry]) => name.startsWith(prefix) && entry.alias === undefined,
  );
  const rows = new Map<string, string>();
  for (const [name, entry] of below) {
    const rest = name.slice(prefix.length);
    const [first = ""] = rest.split(" ");
    if (rest === first) rows.set(first, entry.summary);
    else if (!rows.has(first)) rows.set(first, `Commands about ${first}s`);
  }
  const width = Math.max(...[...rows.keys()].map((name) => name.length));
  const list = [...rows].map(([name, summary]) => `    ${name.padEnd(width)}    ${summary}`);
  return `Usage: drover ${prefix}<command> [options] [args]\n\nCommands:\n${list.join("\n")}\n`;
}
