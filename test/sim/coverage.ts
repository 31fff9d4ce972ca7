/**
 * Which production lines the simulation runs, of whole clusters or, with --raft, of consensus:
 * node test/sim/coverage.ts [--raft] [--seed N] [--seeds K] [--files]
 * A line counts when something of it is code once types and comments are taken away; it is covered
 * when all of its code was reached by some seed.
 */
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const ROOT = join(import.meta.dirname, "../..");
/** What a server or a client machine consists of; the others are tools and programs around it. */
const PACKAGES = [
  ...["base", "model", "node-raft", "state", "scheduler", "control"],
  ...["server", "client", "wire", "drivers", "discovery"],
];
const RAFT_PARTS = ["core", "node", "wal", "ws"];
const NOT_PRODUCTION =
  /\.test\.ts$|\/(testing|sim|bench|lockstep|real)\/|testing\.ts$|compliance|testdata/;
const CLUSTERS = ["test/sim/cli.ts", "--quiet"];
const CONSENSUS = ["packages/node-raft/src/sim/cli.ts", "--once"];

interface Range {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}
interface Script {
  readonly url: string;
  readonly functions: readonly { readonly ranges: readonly Range[] }[];
}

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    seeds: { type: "string", default: "100" },
    raft: { type: "boolean", default: false },
    /** Each file, beside each package. */
    files: { type: "boolean", default: false },
  },
});

const dir = mkdtempSync(join(tmpdir(), "drover-sim-coverage-"));
try {
  const run = spawnSync(
    process.execPath,
    [...(values.raft ? CONSENSUS : CLUSTERS), "--seed", values.seed, "--seeds", values.seeds],
    { cwd: ROOT, stdio: "inherit", env: { ...process.env, NODE_V8_COVERAGE: dir } },
  );
  report(reachedBy(dir));
  process.exitCode = run.status ?? 1;
} finally {
  rmSync(dir, { recursive: true });
}

/** File → for each character whether some process has run it. */
function reachedBy(coverageDir: string): Map<string, Uint8Array> {
  const reached = new Map<string, Uint8Array>();
  for (const name of readdirSync(coverageDir)) {
    const { result } = JSON.parse(readFileSync(join(coverageDir, name), "utf8")) as {
      result: readonly Script[];
    };
    for (const { url, functions } of result) {
      if (!url.startsWith("file:") || !url.includes("/packages/")) continue;
      const path = fileURLToPath(url);
      const known = reached.get(path) ?? new Uint8Array(readFileSync(path, "utf8").length);
      reached.set(path, known);
      const now = new Uint8Array(known.length);
      // Outer ranges come first; what is inside them says it more precisely.
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges) {
          now.fill(count > 0 ? 1 : 0, startOffset, endOffset);
        }
      }
      for (let at = 0; at < now.length; at += 1) known[at] = (known[at] ?? 0) | (now[at] ?? 0);
    }
  }
  return reached;
}

function report(reached: ReadonlyMap<string, Uint8Array>): void {
  const total = { lines: 0, covered: 0 };
  console.log("| Package | Lines of code | Covered | Share |\n|---|---:|---:|---:|");
  for (const name of values.raft ? RAFT_PARTS : PACKAGES) {
    const sum = { lines: 0, covered: 0 };
    const files: string[] = [];
    const folder = values.raft ? `packages/node-raft/src/${name}` : `packages/${name}/src`;
    for (const file of globSync(`${folder}/**/*.ts`, { cwd: ROOT }).sort()) {
      if (NOT_PRODUCTION.test(file)) continue;
      const counted = countLines(join(ROOT, file), reached.get(join(ROOT, file)));
      sum.lines += counted.lines;
      sum.covered += counted.covered;
      if (counted.lines > 0) files.push(row(`  ${file.slice(folder.length + 1)}`, counted));
    }
    total.lines += sum.lines;
    total.covered += sum.covered;
    console.log(row(name, sum));
    if (values.files) for (const line of files) console.log(line);
  }
  console.log(row("all", total));
}

function row(name: string, { lines, covered }: { lines: number; covered: number }): string {
  const share = lines === 0 ? 0 : Math.round((100 * covered) / lines);
  return `| ${name} | ${lines} | ${covered} | ${share} % |`;
}

function countLines(
  path: string,
  reached: Uint8Array | undefined,
): { lines: number; covered: number } {
  const source = readFileSync(path, "utf8");
  // Both leave every character where it was.
  const code = blankComments(stripTypeScriptTypes(source));
  let lines = 0;
  let covered = 0;
  let at = 0;
  for (const line of code.split("\n")) {
    const isCode = /[\w$]/.test(line) && !/^\s*(import|export)\b.*(from "|\{$)|^\} from/.test(line);
    if (isCode) {
      lines += 1;
      const first = at + line.search(/\S/);
      const all = reached?.subarray(first, at + line.trimEnd().length);
      if (all?.every((each) => each === 1) === true) covered += 1;
    }
    at += line.length + 1;
  }
  return { lines, covered };
}

function blankComments(code: string): string {
  const blank = (text: string) => text.replace(/[^\n]/g, " ");
  return code.replace(/\/\*[\s\S]*?\*\//g, blank).replace(/^\s*\/\/.*$/gm, blank);
}
