/**
 * Reads test scripts of the form
 *
 *   # comment
 *   command key=value key=(a,b)
 *   more input
 *   ----
 *   expected output, up to a blank line
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

export interface DataBlock {
  readonly file: string;
  readonly line: number;
  readonly command: string;
  /** What follows the command on its line. */
  readonly rest: string;
  readonly args: ReadonlyMap<string, string>;
  /** Lines between the command and the dashes. */
  readonly input: readonly string[];
  readonly expected: string;
}

export function parseDataDriven(file: string, text: string): DataBlock[] {
  const lines = text.split("\n");
  const blocks: DataBlock[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const first = lines[at] ?? "";
    if (first.trim() === "" || first.startsWith("#")) continue;
    const dashes = lines.indexOf("----", at);
    if (dashes < 0) throw new Error(`${file}:${at + 1}: no ---- after the command`);
    const end = lines.findIndex((line, i) => i > dashes && line.trim() === "");
    const stop = end < 0 ? lines.length : end;
    const [command = "", rest = ""] = splitOnce(first.trim());
    blocks.push({
      file,
      line: at + 1,
      command,
      rest,
      args: parseArgs(rest),
      input: lines.slice(at + 1, dashes),
      expected: lines.slice(dashes + 1, stop).join("\n"),
    });
    at = stop;
  }
  return blocks;
}

/**
 * A folder of the conformance data that lies beside the checkout (DROVER_SHARED overrides), or null
 * with one line saying so.
 */
export function conformanceFolder(path: string): string | null {
  const shared = process.env.DROVER_SHARED ?? resolve(import.meta.dirname, "../../../../../shared");
  const folder = join(shared, "conformance", path);
  if (existsSync(folder)) return folder;
  console.log(`skipped: the conformance data ${path} is not beside the checkout`);
  return null;
}

export function readBlocks(folder: string, names?: readonly string[]): DataBlock[] {
  const files = names ?? readdirSync(folder).sort();
  return files.flatMap((name) => parseDataDriven(name, readFileSync(join(folder, name), "utf8")));
}

function splitOnce(text: string): [string, string] {
  const at = text.search(/\s/);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function parseArgs(text: string): Map<string, string> {
  const args = new Map<string, string>();
  for (const [, key = "", list, word] of text.matchAll(/([\w-]+)(?:=(?:\(([^)]*)\)|(\S+)))?/g)) {
    args.set(key, list ?? word ?? "");
  }
  return args;
}
