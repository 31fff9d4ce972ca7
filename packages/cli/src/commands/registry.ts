/** Finds the command that words name, and the help for words that name none. */
import { type Command, PROGRAM } from "../command.ts";
import { ALIASES, COMMANDS, GROUPS, type LoadCommand } from "./command-list.ts";

export type Found =
  | { readonly kind: "command"; readonly command: Command; readonly words: readonly string[] }
  /** -1: the first word is no command at all. */
  | { readonly kind: "help"; readonly words: readonly string[]; readonly exitCode: number };

/** The longest run of words that names a command wins; flags end the words. */
export async function findCommand(argv: readonly string[]): Promise<Found> {
  const firstFlag = argv.findIndex((word) => word.startsWith("-"));
  const words = firstFlag < 0 ? argv : argv.slice(0, firstFlag);
  const asked = firstFlag < 0 ? "" : (argv[firstFlag] ?? "").replace(/^--?/, "");
  const wantsHelp = asked === "help" || asked === "h";
  if (words.length === 0) {
    if (asked === "version" || asked === "v")
      return await found(argv.slice(0, 1), COMMANDS.version);
    return { kind: "help", words: [], exitCode: wantsHelp ? 0 : -1 };
  }
  for (let length = words.length; length > 0; length--) {
    const name = words.slice(0, length).join(" ");
    const load = COMMANDS[ALIASES[name] ?? name];
    if (load) return await found(words.slice(0, length), load);
    if (name in GROUPS) {
      const isHelp = length === words.length && wantsHelp;
      return { kind: "help", words: words.slice(0, length), exitCode: isHelp ? 0 : 1 };
    }
  }
  return { kind: "help", words: [], exitCode: -1 };
}

async function found(words: readonly string[], load: LoadCommand | undefined): Promise<Found> {
  if (load === undefined) return { kind: "help", words: [], exitCode: -1 };
  return { kind: "command", command: await load(), words };
}

/** What is printed when the words name a group of commands, or nothing. */
export async function helpForWords(words: readonly string[]): Promise<string> {
  const prefix = words.map((word) => `${word} `).join("");
  const group = GROUPS[words.join(" ")];
  const usage = group?.usage ?? "[-version] [-help] <command> [args]";
  const names = new Set(
    Object.keys(COMMANDS)
      .filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length).split(" ")[0] ?? ""),
  );
  const width = Math.max(...[...names].map((name) => name.length));
  const rows = await Promise.all(
    [...names].sort().map(async (name) => {
      const whole = `${prefix}${name}`;
      const summary = GROUPS[whole]?.summary ?? (await COMMANDS[whole]?.())?.summary ?? "";
      return `    ${name.padEnd(width)}    ${summary}`;
    }),
  );
  return `Usage: ${PROGRAM} ${prefix}${usage}\n\nCommands:\n${rows.join("\n")}\n`;
}
