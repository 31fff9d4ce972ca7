/**
 * An import points down or sideways where DESIGN §2 lists it, never up; and every package lists in
 * its package.json just what it imports. The compiler does not see an undeclared workspace import.
 */

import { readSource, report, sourceFiles } from "./lib/files.ts";
import { importsOf } from "./lib/imports.ts";
import { LAYERS, ownPackage, packageName } from "./lib/layers.ts";

const problems: string[] = [];
const used = new Map<string, Set<string>>();

for (const file of sourceFiles(["packages"], [".ts"])) {
  const [, folder = "", area = ""] = file.split("/");
  const rule = LAYERS[folder];
  if (!rule) {
    problems.push(`${file}: package ${folder} is not in scripts/lib/layers.ts`);
    continue;
  }
  if (area !== "src") continue;
  const isTest = /\.(test|prop\.test|table\.test)\.ts$/.test(file) || /\/testing\//.test(file);
  for (const specifier of importsOf(readSource(file))) {
    if (specifier.startsWith(".")) continue;
    const own = ownPackage(specifier);
    if (own !== undefined) {
      if (own === folder) problems.push(`${file}: imports its own package by name (${specifier})`);
      else if (!rule.may.includes(own)) {
        const allowed = rule.may.length > 0 ? rule.may.join(", ") : "nothing of ours";
        problems.push(`${file}: ${folder} may not import ${own}; it may import ${allowed}`);
      }
      if (!isTest) remember(folder, packageName(own));
      continue;
    }
    if (specifier.startsWith("node:")) {
      if (rule.pure && !isTest)
        problems.push(`${file}: ${folder} is pure and imports ${specifier}`);
      continue;
    }
    if (isTest) continue;
    const name = specifier
      .split("/")
      .slice(0, specifier.startsWith("@") ? 2 : 1)
      .join("/");
    if (!rule.npm.includes(name)) {
      problems.push(`${file}: ${folder} may not depend on ${name} (docs/decisions and DESIGN §2)`);
    }
    remember(folder, name);
  }
}

for (const folder of Object.keys(LAYERS)) {
  const manifest = JSON.parse(readSource(`packages/${folder}/package.json`)) as {
    dependencies?: Record<string, string>;
  };
  const declared = new Set(Object.keys(manifest.dependencies ?? {}));
  for (const name of used.get(folder) ?? []) {
    if (!declared.has(name)) problems.push(`packages/${folder}/package.json: lacks ${name}`);
  }
}

function remember(folder: string, name: string): void {
  used.set(folder, (used.get(folder) ?? new Set()).add(name));
}

report("layers", problems);
