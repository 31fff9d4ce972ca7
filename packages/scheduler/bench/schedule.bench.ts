/**
 * Placements per second of whole evaluations: reconcile, choose nodes, build the plan.
 * Run: `node packages/scheduler/bench/schedule.bench.ts`. Floor: 3,000 per second on 1,000 nodes.
 */
import type { TaskGroup } from "@drover/model";
import { Harness } from "../src/testing/harness.ts";
import { rollingJob } from "../src/testing/jobs.ts";

const NODES = 1_000;
const WARM_UP_JOBS = 20;

const dynamicPort = {
  label: "http",
  value: 0,
  to: 0,
  hostNetwork: "default",
  ignoreCollision: false,
};
const withPort: Partial<TaskGroup> = {
  networks: [
    {
      mode: "",
      device: "",
      cidr: "",
      ip: "",
      hostname: "",
      mBits: 0,
      dns: null,
      cni: null,
      reservedPorts: [],
      dynamicPorts: [dynamicPort],
    },
  ],
};

function measure(
  name: string,
  size: { readonly jobs: number; readonly count: number; readonly group: Partial<TaskGroup> },
): void {
  const { count, group, jobs } = size;
  const harness = new Harness({ nodes: NODES });
  const build = (id: string) => rollingJob({ id, count, group });
  for (let i = 0; i < WARM_UP_JOBS; i++) harness.register(build(`warm-${i}`));
  let elapsed = 0;
  let placed = 0;
  for (let i = 0; i < jobs; i++) {
    const job = harness.store(build(`job-${i}`));
    const start = process.hrtime.bigint();
    placed += harness.dryRun(job).plan.placements.length;
    elapsed += Number(process.hrtime.bigint() - start) / 1e6;
    harness.evaluate(job);
  }
  const rate = Math.round((placed / elapsed) * 1_000);
  console.log(`${name}: ${rate} placements/s (${placed} in ${elapsed.toFixed(0)} ms)`);
}

measure("normal: 10 allocs each on 1000 nodes", { jobs: 200, count: 10, group: {} });
measure("normal: 10 allocs each with a port on 1000 nodes", {
  jobs: 200,
  count: 10,
  group: withPort,
});
measure("worst: 1 alloc each with a port on 1000 nodes", { jobs: 200, count: 1, group: withPort });
