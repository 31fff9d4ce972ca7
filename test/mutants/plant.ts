/**
 * Plants the mutant of the environment while its sources are loaded, in this thread and in those
 * that it starts: node --import ./test/mutants/plant.ts … It throws when a text to replace does not
 * occur exactly once, because then the sources have moved on.
 */
import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Edit } from "./mutant.ts";

const ROOT = join(import.meta.dirname, "../..");
const edits = JSON.parse(process.env.DROVER_MUTANT ?? "[]") as readonly Edit[];
const urlOf = ({ file }: Edit) => pathToFileURL(join(ROOT, file)).href;

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    const planted = edits.filter((edit) => urlOf(edit) === url);
    if (planted.length === 0) return loaded;
    return { ...loaded, source: planted.reduce(edited, String(loaded.source)) };
  },
});

function edited(text: string, { file, find, replace }: Edit): string {
  const count = text.split(find).length - 1;
  if (count !== 1) throw new Error(`${file} holds the text of a mutant ${count} times`);
  return text.replace(find, () => replace);
}
