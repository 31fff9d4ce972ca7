/** One self-contained program: the bundled sources inside a copy of Node. */
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, type Metafile, type Plugin } from "esbuild";
import { ROOT } from "../lib/files.ts";
import { licenceNotices } from "./notices.ts";

const SENTINEL = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";
const WORKER_ASSET = "raft-worker.js";

/** Loaded at once by what we bundle, used only for remote engines over SSH and builds over gRPC. */
const UNUSED = /^(ssh2|@grpc\/.*|protobufjs)$/;
/** Native code that its users can do without, and do when it cannot be loaded. */
const OPTIONAL = /^(cpu-features|msgpackr-extract|bufferutil|utf-8-validate)$/;

const leaveOut: Plugin = {
  name: "leave-out",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: UNUSED }, ({ path }) => ({ path, namespace: "unused" }));
    onLoad({ filter: /.*/, namespace: "unused" }, () => ({ contents: "module.exports = {};" }));
    onResolve({ filter: OPTIONAL }, ({ path }) => ({ path, namespace: "optional" }));
    onLoad({ filter: /.*/, namespace: "optional" }, ({ path }) => ({
      contents: `throw new Error("${path} is not part of this program");`,
    }));
  },
};

export interface BuiltProgram {
  readonly path: string;
  /** Licences of what is inside. */
  readonly notices: string;
}

/** Builds `dist/drover`. */
export async function buildProgram(): Promise<BuiltProgram> {
  const work = join(ROOT, ".build", "package");
  mkdirSync(work, { recursive: true });
  mkdirSync(join(ROOT, "dist"), { recursive: true });
  const worker = join(work, WORKER_ASSET);
  const bundles = [
    await bundle("packages/node-raft/src/wal/worker.ts", worker),
    await bundle("packages/cli/src/single-file.ts", join(work, "drover.cjs")),
  ];
  const config = {
    main: join(work, "drover.cjs"),
    output: join(work, "drover.blob"),
    disableExperimentalSEAWarning: true,
    useCodeCache: true,
    assets: { [WORKER_ASSET]: worker },
  };
  writeFileSync(join(work, "sea.json"), JSON.stringify(config));
  execFileSync(process.execPath, ["--experimental-sea-config", join(work, "sea.json")], {
    stdio: "pipe",
  });
  const program = join(ROOT, "dist", "drover");
  const partial = join(work, "drover.partial");
  copyFileSync(process.execPath, partial);
  chmodSync(partial, 0o755);
  execFileSync(
    join(ROOT, "node_modules/.bin/postject"),
    [...[partial, "NODE_SEA_BLOB", config.output], ...["--sentinel-fuse", SENTINEL]],
    { stdio: "pipe" },
  );
  copyFileSync(partial, program);
  return { path: program, notices: licenceNotices(bundles) };
}

async function bundle(entry: string, outfile: string): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints: [join(ROOT, entry)],
    outfile,
    absWorkingDir: ROOT,
    bundle: true,
    metafile: true,
    platform: "node",
    target: "node24",
    format: "cjs",
    minify: true,
    keepNames: true,
    legalComments: "none",
    logLevel: "error",
    plugins: [leaveOut],
    // The code cache cannot load modules; everything is in the bundle anyway.
    supported: { "dynamic-import": false },
    define: { "import.meta.url": "bundledUrl" },
    banner: {
      js: 'const bundledUrl = require("node:url").pathToFileURL(process.execPath).href;',
    },
  });
  return metafile;
}
