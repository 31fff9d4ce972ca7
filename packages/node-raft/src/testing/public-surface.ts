/**
 * What a program that uses this package can see: every name that an entry exports with its
 * declaration, and every type that those name in turn. Read from what the compiler makes of the
 * sources.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";

const PACKAGE = join(import.meta.dirname, "../..");
const COMPILER = join(PACKAGE, "../../node_modules/.bin/tsc");

interface Module {
  /** By name, as the compiler prints them. */
  readonly declared: ReadonlyMap<string, string>;
  /** Names of other modules of this package: where from, and what they are called there. */
  readonly taken: ReadonlyMap<string, { readonly file: string; readonly name: string }>;
}

/** One text for each entry, by its path below `src`. */
export function publicSurface(entries: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "raft-surface-"));
  try {
    const shape = ["--declaration", "--emitDeclarationOnly", "--removeComments", "--noCheck"];
    const alone = ["--composite", "false", "--incremental", "false", "--outDir", folder];
    execFileSync(COMPILER, ["-p", PACKAGE, ...shape, ...alone], { stdio: "pipe" });
    return entries.map((entry) => surfaceOf(folder, entry)).join("\n");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function surfaceOf(folder: string, entry: string): string {
  const modules = new Map<string, Module>();
  const read = (file: string): Module => {
    const known = modules.get(file) ?? readModule(readFileSync(file, "utf8"), dirname(file));
    modules.set(file, known);
    return known;
  };
  const names = [...read(join(folder, `${entry}.d.ts`)).taken.values()];
  const exported = new Set(names.map(({ file, name }) => `${file} ${name}`));
  const shown = new Map<string, string>();
  // Grows while it is walked.
  for (const { file, name } of names) {
    const key = `${file} ${name}`;
    const { declared, taken } = read(file);
    const text = declared.get(name);
    if (text === undefined || shown.has(key)) continue;
    const where = relative(folder, file).replace(/\.d\.ts$/, "");
    const hidden = exported.has(key) ? "" : ", not exported itself";
    shown.set(key, `// ${name} of ${where}${hidden}\n${text}\n`);
    for (const [word] of text.matchAll(/\b[A-Za-z]\w*\b/g)) {
      const other = taken.get(word) ?? (declared.has(word) ? { file, name: word } : undefined);
      if (other !== undefined) names.push(other);
    }
  }
  return `// ==== ${entry} ====\n\n${[...shown.values()].sort().join("\n")}`;
}

function readModule(text: string, folder: string): Module {
  const declared = new Map<string, string>();
  const taken = new Map<string, { file: string; name: string }>();
  // A statement begins at the margin; its other lines are indented, or close it.
  for (const statement of text.split(/\n(?=[a-z])/)) {
    const link = /^(?:import|export) (?:type )?\{([^}]*)\} from "(\.[^"]*)\.ts"/.exec(statement);
    for (const item of (link?.[1] ?? "").split(",")) {
      const [name = "", alias = name] = item
        .replace(/\btype /, "")
        .trim()
        .split(" as ");
      if (name !== "") taken.set(alias, { file: `${join(folder, link?.[2] ?? "")}.d.ts`, name });
    }
    const kind = /^(?:export )?(?:declare )?(?:abstract )?(?:interface|class|function|const|type)/;
    const name = /^ (\w+)/.exec(statement.replace(kind, ""))?.[1];
    if (link !== null || !kind.test(statement) || name === undefined) continue;
    // A value and a type may share a name.
    declared.set(name, [declared.get(name), statement.trim()].filter(Boolean).join("\n"));
  }
  return { declared, taken };
}
