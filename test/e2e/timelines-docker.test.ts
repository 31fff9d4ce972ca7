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
import { NO_RECORDINGS, NOT_AHEAD, play } from "../support/timeline-player.ts";

const PARALLEL = 8;
/** Those first that take longest. */
const ON_ONE_NODE = [
  "revert-by-hand",
  "seed-bad-auto-revert",
  "pause-resume",
  "count-up-and-change",
  "seed-good",
  "canary-1",
  "canary-2-of-5",
  "reschedule-limited",
  "lifecycle-prestart",
  "max-parallel-1",
  "canary-fails-revert",
  "stop-then-start",
  "fail-by-operator-revert",
  "batch-fails",
  "blue-green",
  "progress-deadline-0",
  "canary-auto-promote",
  "scale-down",
  "stop-mid",
  "batch-runs",
  "health-manual",
];
const ON_THREE_NODES = ["drain-migrate"];
const SKIP = NO_RECORDINGS || lacking("docker");

test("timelines pass with containers as they do with mock tasks", { skip: SKIP }, async () => {
  await inFolder(async (folder) => {
    const cluster = await TestCluster.start({ agents: 1, docker: true, extra: NOT_AHEAD });
    const addresses = cluster.agents.map(({ api }) => `http://${api.address}`);
    const translate = translator(folder);
    try {
      await playChecked(
        ON_ONE_NODE,
        (folders, parallel) => play({ addresses, folders: folders.map(translate), parallel }),
        { parallel: PARALLEL, overrides: DIFFERENCES.docker },
      );
    } finally {
      await cluster.stop();
    }
  });
});

test("a drain moves containers as it moves mock tasks", { skip: SKIP }, async () => {
  await inFolder(async (folder) => {
    const host = await TimelineHost.start({ docker: true });
    const { addresses, hookUrl } = host;
    const translate = translator(folder);
    try {
      await playChecked(
        ON_THREE_NODES,
        (folders) => play({ addresses, hookUrl, folders: folders.map(translate), parallel: 1 }),
        { parallel: 1, overrides: DIFFERENCES.docker },
      );
    } finally {
      await host.stop();
    }
  });
});

/** Translates a folder once; playing it again uses the same. */
function translator(into: string): (recorded: string) => string {
  const done = new Map<string, string>();
  return (recorded) => {
    const folder = done.get(recorded) ?? withContainers(recorded, into);
    done.set(recorded, folder);
    return folder;
  };
}

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "drover-timelines-"));
  try {
    await run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
