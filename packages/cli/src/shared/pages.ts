/** Lists that come in pages (spec chapter 7 §7.12). */
import type { CommandContext, FlagSpec, Flags } from "../command.ts";

export const PAGE_FLAGS: readonly FlagSpec[] = [
  { name: "per-page", kind: "int", help: "How many to show." },
  { name: "page-token", kind: "string", help: "Where the page begins." },
  { name: "filter", kind: "string", help: "Expression that listed ones fulfil." },
];

export function pageQuery(flags: Flags): Record<string, string> {
  const query: Record<string, string> = {};
  if (flags.string("filter") !== "") query.filter = flags.string("filter");
  if (flags.string("page-token") !== "") query.next_token = flags.string("page-token");
  if (flags.string("per-page") !== "") query.per_page = flags.string("per-page");
  return query;
}

/** The command line for what comes after; nothing on the last page. */
export function printPageHint({ ui, commandLine }: CommandContext, nextToken: string): void {
  if (nextToken === "") return;
  const at = commandLine.findIndex((word) => /^--?page-token(?:=|$)/.test(word));
  const skipped = at < 0 ? 0 : commandLine[at]?.includes("=") ? 1 : 2;
  const same = commandLine.filter((_, i) => at < 0 || i < at || i >= at + skipped);
  ui.output("\nResults have been paginated. To get the next page run:\n");
  ui.output(`${same.join(" ")} -page-token ${nextToken}`);
}
