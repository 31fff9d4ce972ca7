/**
 * `@raft/node-raft` as others install it. Node strips types from no file below `node_modules`, and
 * type checkers want declarations there: the sources are compiled, and nothing else is changed.
 */
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { ROOT } from "../lib/files.ts";

const PACKAGE = join(ROOT, "packages", "node-raft");
const DOCUMENTS = [
  "README.md",
  "SPEC.md",
  "CONFORMANCE.md",
  "MUTANTS.md",
  "ORACLE.md",
  "SIMULATION.md",
];
/** What is exported, and the thread that the log runs in. The simulator stays in the workspace. */
const ENTRIES = ["index.ts", "ws/index.ts", "wal/worker.ts"];

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

/** Writes the package into `folder`, ready for `npm pack` or `npm install`. */
export function buildLibrary(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  compile(folder);
  for (const file of DOCUMENTS) copyFileSync(join(PACKAGE, file), join(folder, file));
  copyFileSync(join(ROOT, "LICENSE"), join(folder, "LICENSE"));
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest(), null, 2)}\n`);
}

/** Packs the library into `dist/` and gives the archive's path. */
export function packLibrary(): string {
  const folder = join(ROOT, ".build", "package", "node-raft");
  buildLibrary(folder);
  const dist = join(ROOT, "dist");
  mkdirSync(dist, { recursive: true });
  const packed = execFileSync("npm", ["pack", "--silent"], { cwd: folder, encoding: "utf8" });
  const name = packed.trim();
  renameSync(join(folder, name), join(dist, name));
  return join(dist, name);
}

function compile(folder: string): void {
  const config = join(folder, "tsconfig.json");
  const src = join(PACKAGE, "src");
  writeFileSync(
    config,
    JSON.stringify({
      extends: join(PACKAGE, "tsconfig.json"),
      compilerOptions: {
        composite: false,
        emitDeclarationOnly: false,
        declaration: true,
        allowImportingTsExtensions: false,
        rewriteRelativeImportExtensions: true,
        typeRoots: [join(ROOT, "node_modules", "@types")],
        rootDir: src,
        outDir: join(folder, "lib"),
        tsBuildInfoFile: null,
      },
      include: [],
      files: ENTRIES.map((file) => join(src, file)),
    }),
  );
  execFileSync(join(ROOT, "node_modules", ".bin", "tsc"), ["-p", config]);
  rmSync(config);
  // The compiler leaves the endings of declarations' imports as they are.
  for (const file of globSync(join(folder, "lib", "**", "*.d.ts"))) {
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.replaceAll(/(["'])(\.\.?\/[^"'\n]+)\.ts\1/g, "$1$2.js$1"));
  }
}

function manifest(): object {
  const own = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8")) as Manifest;
  const root = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    devDependencies: Readonly<Record<string, string>>;
  };
  const types = Object.fromEntries(
    ["@types/node", "@types/ws"].map((name) => [name, root.devDependencies[name]]),
  );
  return {
    name: own.name,
    version: own.version,
    private: true,
    description: "Raft for Node: a replicated log of bytes, applied in one order by every member",
    license: own.license,
    type: "module",
    engines: { node: ">=22.8" },
    exports: {
      ".": { types: "./lib/index.d.ts", default: "./lib/index.js" },
      "./ws": { types: "./lib/ws/index.d.ts", default: "./lib/ws/index.js" },
    },
    // Its declarations name sockets and streams.
    dependencies: { ...own.dependencies, ...types },
  };
}
