/**
 * Links between documents lead somewhere, files named in the main path and tests named as guards
 * exist, and the drawn package graph is the real one.
 */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { ROOT, readSource, report, sourceFiles } from "./lib/files.ts";
import { packageGraph } from "./lib/graph.ts";

const problems: string[] = [];
for (const file of sourceFiles([".", "docs", "packages"], [".md"])) {
  const text = readSource(file);
  for (const match of text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
    const target = match[1] as string;
    if (/^[a-z]+:/.test(target)) continue;
    if (!existsSync(join(ROOT, dirname(file), target))) {
      problems.push(`${file}: link to ${target}, which does not exist`);
    }
  }
}
const mainPath = "docs/main-path.md";
for (const [, path] of readSource(mainPath).matchAll(/`([\w-]+\/src\/[\w/.-]+)`/g)) {
  if (!existsSync(join(ROOT, "packages", path as string))) {
    problems.push(`${mainPath}: ${path} does not exist`);
  }
}
const guards = "docs/guards.md";
for (const [, file, name] of readSource(guards).matchAll(/`([\w/.-]+\.ts)` "([^"]+)"/g)) {
  const path = file as string;
  if (!existsSync(join(ROOT, path))) problems.push(`${guards}: ${path} does not exist`);
  else if (!readSource(path).includes(name as string)) {
    problems.push(`${guards}: ${path} has no test "${name}"`);
  }
}
const why = "docs/why.md";
const rules = readSource("packages/model/src/cluster/reason.ts").matchAll(
  /^ {2}\w+: "(\w+(?:-\w+)+)",$/gm,
);
for (const [, rule] of rules) {
  if (!readSource(why).includes(`\`${rule}\``)) problems.push(`${why}: says nothing of ${rule}`);
}
const architecture = "docs/architecture.md";
if (existsSync(join(ROOT, architecture)) && !readSource(architecture).includes(packageGraph())) {
  problems.push(`${architecture}: the package graph is not the current one; run make fix`);
}
report("docs", problems);
