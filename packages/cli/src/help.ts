/** The text of `-help`. */
import { type Command, type FlagSpec, GENERAL_FLAGS } from "./command.ts";

export function commandHelp(command: Command): string {
  const parts = [`Usage: drover ${command.usage}\n`, `${indent(command.description)}\n`];
  if (!command.local) parts.push(`General Options:\n\n${flagList(GENERAL_FLAGS)}`);
  if (command.flags.length > 0) parts.push(`Options:\n\n${flagList(command.flags)}`);
  return `${parts.join("\n")}\n`;
}

function flagList(flags: readonly FlagSpec[]): string {
  return flags
    .map((flag) => {
      const value = flag.kind === "bool" ? "" : "=<value>";
      const fallback = flag.default ? ` Default: ${flag.default}.` : "";
      return `  -${flag.name}${value}\n    ${flag.help}${fallback}\n`;
    })
    .join("\n");
}

function indent(text: string): string {
  return text
    .split("\n")
    .map((line) => (line === "" ? "" : `  ${line}`))
    .join("\n");
}
