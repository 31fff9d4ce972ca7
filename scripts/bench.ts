/**
 * `make bench`: the cluster's figures, each beside its target and its floor of the same run, then
 * the benches of the packages. `bench.ts NAME...` runs only the named ones; `--changes N` says how
 * many changes `drops` plays. Takes half an hour and wants a quiet machine. Ends with 1 when
 * a target is missed.
 */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { type Figure, showFigures } from "../test/bench/figure.ts";
import { etcdEnv, infraDown, infraEnv, infraUp } from "./infra.ts";
import { ROOT } from "./lib/files.ts";

const ROUNDS = 10;
const THIRTY_ROUNDS = 3;
const EVENT_WRITES = 300;
const IDLE_WINDOW_MS = 30_000;
/** Of one core; above it the figures say more about the neighbours. */
const QUIET_LOAD = 0.5;

const { positionals: chosen, values } = parseArgs({
  allowPositionals: true,
  options: { changes: { type: "string", default: "50" } },
});

type Bench = () => Promise<readonly Figure[]>;

const BENCHES: Readonly<Record<string, Bench>> = {
  rolling: async () => (await import("../test/bench/rolling.ts")).measureRolling(ROUNDS),
  revert: async () => (await import("../test/bench/revert.ts")).measureRevert(ROUNDS),
  thirty: async () => (await import("../test/bench/docker-thirty.ts")).measureThirty(THIRTY_ROUNDS),
  events: async () => (await import("../test/bench/events.ts")).measureEvents(EVENT_WRITES),
  failover: async () => (await import("../test/bench/failover.ts")).measureFailover(ROUNDS),
  drops: async () => (await import("../test/bench/drops.ts")).measureDrops(Number(values.changes)),
  prefetch: async () => (await import("../test/bench/prefetch.ts")).measurePrefetch(),
  steps: async () => (await import("../test/bench/steps.ts")).measureSteps(),
  scheduling: async () => (await import("../test/bench/scheduling.ts")).measureScheduling(),
  throughput: async () => (await import("../test/bench/throughput.ts")).measureThroughput(),
  drain: async () => (await import("../test/bench/drain.ts")).measureDrain(ROUNDS),
  memory: async () => (await import("../test/bench/memory.ts")).measureMemory(),
  idle: async () =>
    (await import("../test/bench/idle.ts")).measureIdle({
      windowMs: IDLE_WINDOW_MS,
      label: "from source",
    }),
};
const PACKAGES = "packages";

const wants = (name: string) => chosen.length === 0 || chosen.includes(name);
const ranBefore = Object.keys(infraEnv()).length > 0;
const [load = 0] = loadavg();
if (load > QUIET_LOAD) console.log(`This machine is not quiet: its load is ${load.toFixed(1)}.`);
let missed = 0;
try {
  await infraUp();
  // The benches read these when they are loaded.
  Object.assign(process.env, infraEnv());
  for (const [name, bench] of Object.entries(BENCHES)) {
    if (wants(name)) missed += showFigures(await bench());
  }
} finally {
  if (!ranBefore) await infraDown();
}
if (wants(PACKAGES)) runPackageBenches();
console.log(missed === 0 ? "every target is met" : `${missed} targets missed`);
process.exitCode = missed === 0 ? 0 : 1;

function runPackageBenches(): void {
  const env = { ...process.env, ...etcdEnv({ fetch: true }) };
  for (const file of globSync("packages/*/bench/*.bench.ts", { cwd: ROOT }).sort()) {
    console.log(`\n${file}`);
    const { status } = spawnSync(process.execPath, [file], { cwd: ROOT, env, stdio: "inherit" });
    if (status !== 0) missed += 1;
  }
}
