/**
 * Recorded timelines of a real Nomad with real containers in place of its mock tasks: what an
 * update does must not depend on what runs. Expected is what was recorded; the differences are
 * those of the mock tasks, and what follows from images that may be missing (`docker` in their file).
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { DIFFERENCES, playChecked } from "../conformance/play-checked.ts";
import { TestCluster } from "../support/cluster.ts";
import { withContainers } from "../support/docker-scenario.ts";
import { lacking } from "../support/real-parts.ts";
import { TimelineHost } from "../support/timeline-host.ts";
import { NO_RECORDINGS, play, RECORDED } from "../support/timeline-player.ts";

const PARALLEL = 8;
/** Those first that take longest. */
const ON_ONE_NODE = [
  "revert-by-hand",
  "seed-bad-auto-revert",
  "seed-good",
  "canary-1",
  "reschedule-limited",
  "lifecycle-prestart",
  "canary-fails-revert",
  "stop-then-start",
  "fail-by-operator-revert",
  "batch-fails",
  "health-manual-unhealthy",
  "progress-deadline-0",
  "canary-auto-promote",
  "scale-down",
  "stop-mid",
];
const ON_THREE_NODES = ["drain-migrate"];
const SKIP = NO_RECORDINGS || lacking("docker");

test("timelines pass with containers as they do with mock tasks", { skip: SKIP }, async () => {
  await translated(ON_ONE_NODE, async (scenarios) => {
    const cluster = await TestCluster.start({ agents: 1, docker: true });
    const addresses = cluster.agents.map(({ api }) => `http://${api.address}`);
    const playThese = (folders: readonly string[], parallel: number) =>
      play({ addresses, folders, parallel });
    try {
      const { docker: overrides } = DIFFERENCES;
      await playChecked(scenarios, playThese, { parallel: PARALLEL, overrides });
    } finally {
      await cluster.stop();
    }
  });
});

test("a drain moves containers as it moves mock tasks", { skip: SKIP }, async () => {
  await translated(ON_THREE_NODES, async (scenarios) => {
    const host = await TimelineHost.start({ docker: true });
    const { addresses, hookUrl } = host;
    const playThese = (folders: readonly string[]) =>
      play({ addresses, hookUrl, folders, parallel: 1 });
    try {
      await playChecked(scenarios, playThese, { parallel: 1 });
    } finally {
      await host.stop();
    }
  });
});

async function translated(
  names: readonly string[],
  run: (folders: readonly string[]) => Promise<void>,
): Promise<void> {
  const into = mkdtempSync(join(tmpdir(), "drover-timelines-"));
  try {
    await run(names.map((name) => withContainers(join(RECORDED, name), into)));
  } finally {
    rmSync(into, { recursive: true, force: true });
  }
}
