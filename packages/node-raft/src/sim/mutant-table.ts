/** The kill list as MUTANTS.md shows it. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Mutant, mutants } from "./mutants.ts";

const DOC = join(import.meta.dirname, "../../MUTANTS.md");
const HEAD =
  "| Mutant | Breaks | In | Mode | Seeds to kill | At most | Found by |\n" +
  "|---|---|---|---|---:|---:|---|\n";

export interface Killed {
  readonly seed: number;
  readonly checker: string;
}

/** Who has been killed, as the document has it. */
export function recordedKills(): ReadonlyMap<string, Killed> {
  const rows = readFileSync(DOC, "utf8").split(HEAD)[1]?.trimEnd().split("\n") ?? [];
  const kills = rows.map((row): [string, Killed] => {
    const [, name = "", , , , seed, , checker = ""] = row
      .split(" | ")
      .flatMap((c) => c.split("| "));
    return [name, { seed: Number(seed), checker: checker.replace(" |", "") }];
  });
  return new Map(kills);
}

/** The document as it is, and with these kills in the place of those that it has. */
export function mutantsDoc(kills: ReadonlyMap<string, Killed>): {
  readonly is: string;
  readonly should: string;
} {
  const is = readFileSync(DOC, "utf8");
  const known = recordedKills();
  const rows = mutants.map((mutant) =>
    rowOf(mutant, kills.get(mutant.name) ?? known.get(mutant.name)),
  );
  return { is, should: `${is.slice(0, is.indexOf(HEAD))}${HEAD}${rows.join("")}` };
}

export function writeMutantsDoc(kills: ReadonlyMap<string, Killed>): void {
  writeFileSync(DOC, mutantsDoc(kills).should);
}

function rowOf(mutant: Mutant, kill: Killed | undefined): string {
  const { name, breaks, edits, mode = "core", seeds } = mutant;
  const files = [...new Set(edits.map(({ file }) => `\`${file}\``))].join(", ");
  const { seed, checker } = kill ?? { seed: "never", checker: "nobody" };
  return `| ${name} | ${breaks} | ${files} | ${mode} | ${seed} | ${seeds} | ${checker} |\n`;
}
