/** Deliberate bugs as substitutions in a copy of the sources, made at test time. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface MutantEdits {
  readonly name: string;
  readonly edits: readonly {
    /** Relative to the folder that is copied. */
    readonly file: string;
    /** Occurs exactly once. */
    readonly find: string;
    readonly replace: string;
  }[];
}

/** Throws when a text to replace does not occur exactly once: the sources have moved on. */
export function applyEdits({ edits, name }: MutantEdits, dir: string): void {
  for (const edit of edits) {
    const path = join(dir, edit.file);
    const text = readFileSync(path, "utf8");
    const count = text.split(edit.find).length - 1;
    if (count !== 1) throw new Error(`mutant ${name}: ${edit.file} holds its text ${count} times`);
    writeFileSync(
      path,
      text.replace(edit.find, () => edit.replace),
    );
  }
}
