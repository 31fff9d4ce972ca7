/** The licences of everything that is inside the program: the text that must travel with it. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Metafile } from "esbuild";
import { ROOT } from "../lib/files.ts";

const PACKAGE = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//;

export function licenceNotices(bundles: readonly Metafile[]): string {
  const folders = new Set([`node_modules/node-linux-${process.arch}`]);
  for (const { inputs } of bundles) {
    for (const file of Object.keys(inputs)) {
      const folder = PACKAGE.exec(file)?.[1];
      if (folder !== undefined) folders.add(folder);
    }
  }
  return [...folders]
    .sort()
    .map(noticeOf)
    .join(`\n${"-".repeat(80)}\n\n`);
}

function noticeOf(folder: string): string {
  const manifest = join(ROOT, folder, "package.json");
  const { name, version, license } = JSON.parse(readFileSync(manifest, "utf8")) as {
    readonly [field: string]: string;
  };
  const texts = globSync(join(ROOT, folder, "{LICENSE,LICENCE,license,NOTICE}*"))
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, "utf8").trim());
  return `${name} ${version}: ${license}\n\n${texts.join("\n\n")}\n`;
}
