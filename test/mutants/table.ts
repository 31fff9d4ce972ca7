/** The list of mutants as docs/mutants.md shows it; `--write` writes it there. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mutants } from "./index.ts";
import type { Killer, Mutant } from "./mutant.ts";

const DOC = join(import.meta.dirname, "../../docs/mutants.md");
const HEAD = "| Mutant | Breaks | In | Killed by |\n|---|---|---|---|\n";

/** The document as it is, and as the list of mutants would have it. */
export function mutantsDoc(): { readonly is: string; readonly should: string } {
  const is = readFileSync(DOC, "utf8");
  const start = is.indexOf(HEAD);
  const rows = mutants.map(rowOf).join("");
  return { is, should: `${is.slice(0, start)}${HEAD}${rows}` };
}

function rowOf({ breaks, edits, killers, name }: Mutant): string {
  const files = [...new Set(edits.map(({ file }) => `\`${file.replace("packages/", "")}\``))];
  return `| ${name} | ${breaks} | ${files.join(", ")} | ${killers.map(told).join("; ")} |\n`;
}

function told(killer: Killer): string {
  if (killer.by === "simulation") return "the simulation";
  return `\`${killer.file}\` "${killer.name}"`;
}

if (process.argv[2] === "--write") writeFileSync(DOC, mutantsDoc().should);
