/**
 * `node scripts/test.ts [group...]`: runs the named groups, or all of them, which is everything a
 * change must pass. Real parts are started where they can be had and stopped if this run started
 * them; what cannot be had is said, and the tests that need it skip with a line each.
 * Ends with one line of counts and exits with 1 when anything failed.
 */
import { spawn } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { etcdEnv, infraDown, infraEnv, infraUp } from "./infra.ts";
import { ROOT } from "./lib/files.ts";
import { TEST_GROUPS, type TestGroup } from "./lib/test-groups.ts";

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

const total: Counts = { passed: 0, failed: 0, skipped: 0 };
let interrupted = false;
const work = mkdtempSync(join(tmpdir(), "drover-test-run-"));
const groups = chosenGroups(process.argv.slice(2));
const runningBefore = Object.keys(infraEnv());
try {
  if (groups.some(({ realParts }) => realParts)) await infraUp();
  for (const group of groups) {
    if (!interrupted) await runGroup(group);
  }
} finally {
  if (runningBefore.length === 0) await infraDown();
  rmSync(work, { recursive: true, force: true });
}
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed === 0 && !interrupted ? 0 : 1;

function chosenGroups(names: readonly string[]): readonly TestGroup[] {
  const unknown = names.find((name) => !TEST_GROUPS.some((group) => group.name === name));
  if (unknown !== undefined) {
    console.error(`no group ${unknown}; there are:`);
    for (const { name, says } of TEST_GROUPS) console.error(`  ${name.padEnd(12)} ${says}`);
    process.exit(2);
  }
  return names.length === 0 ? TEST_GROUPS : TEST_GROUPS.filter(({ name }) => names.includes(name));
}

async function runGroup(group: TestGroup): Promise<void> {
  const startedAt = performance.now();
  console.log(`== ${group.name}: ${group.says}`);
  const counts = group.files === undefined ? await runCommand(group) : await runFiles(group);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const { passed, failed, skipped } = counts;
  console.log(`   ${passed} passed, ${failed} failed, ${skipped} skipped in ${seconds} s`);
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
}

async function runCommand({ command = [], timeoutMs }: TestGroup): Promise<Counts> {
  const ok = await runNode(command, {}, timeoutMs);
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 };
}

async function runFiles(group: TestGroup): Promise<Counts> {
  const files = filesOf(group);
  if (files.length === 0) {
    console.log("   no test files");
    return { passed: 0, failed: 0, skipped: 0 };
  }
  const countsFile = join(work, `${group.name}.counts`);
  const args = [
    "--test",
    group.shared ? "--test-isolation=none" : `--test-concurrency=${group.parallel ?? 1}`,
    // It counts for a file as a whole too; tests that may hang have limits of their own.
    `--test-timeout=${group.timeoutMs}`,
    "--test-reporter=./scripts/lib/test-reporter.ts",
    "--test-reporter-destination=stdout",
    ...files,
  ];
  const env = {
    DROVER_TEST_COUNTS: countsFile,
    ...(group.realParts ? partsEnv() : {}),
    ...(group.etcd ? etcdEnv({ fetch: true }) : {}),
  };
  const ok = await runNode(args, env, group.timeoutMs);
  const counts = readCounts(countsFile);
  // A runner that died counts for itself: its tests did not say so.
  if (!ok && counts.failed === 0) counts.failed = 1;
  return counts;
}

/** A file belongs to the first group that names it. */
function filesOf(group: TestGroup): readonly string[] {
  const taken = new Set<string>();
  for (const each of TEST_GROUPS) {
    const files = (each.files ?? []).flatMap((pattern) =>
      globSync(pattern, { cwd: ROOT, exclude: (path) => path.includes("node_modules") }),
    );
    if (each === group) return files.filter((file) => !taken.has(file)).sort();
    for (const file of files) taken.add(file);
  }
  return [];
}

/** The variables by which tests, and the tools they start, find the real parts. */
function partsEnv(): Record<string, string> {
  const env = infraEnv();
  const { DROVER_TEST_DOCKER: docker, DROVER_TEST_CONSUL: consul } = env;
  if (docker !== undefined) env.DOCKER_HOST = docker;
  if (consul !== undefined) env.CONSUL_HTTP_ADDR = consul;
  return env;
}

function readCounts(file: string): Counts {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  if (!existsSync(file)) return counts;
  for (const line of readFileSync(file, "utf8").trim().split("\n")) {
    const {
      passed = 0,
      failed = 0,
      cancelled = 0,
      skipped = 0,
    } = JSON.parse(line) as {
      [count: string]: number;
    };
    counts.passed += passed;
    counts.failed += failed + cancelled;
    counts.skipped += skipped;
  }
  return counts;
}

/** Runs in a process group of its own, so that nothing of it outlives its time. */
function runNode(
  args: readonly string[],
  env: Record<string, string>,
  timeoutMs: number,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ["ignore", "inherit", "inherit"],
      detached: true,
    });
    const kill = () => child.pid !== undefined && process.kill(-child.pid, "SIGKILL");
    const timer = setTimeout(() => {
      console.log(`   stopped: it did not end within ${timeoutMs / 1000} s`);
      kill();
    }, timeoutMs);
    const interrupt = () => {
      interrupted = true;
      kill();
    };
    process.once("SIGINT", interrupt);
    process.once("SIGTERM", interrupt);
    child.on("error", reject);
    child.on("exit", (code) => {
      clearTimeout(timer);
      process.off("SIGINT", interrupt);
      process.off("SIGTERM", interrupt);
      resolve(code === 0);
    });
  });
}
