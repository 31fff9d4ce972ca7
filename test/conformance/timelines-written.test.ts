/**
 * Timelines of our own (`timelines/`), played as the recorded ones are, by the recordings' player:
 * variations, each with an expectation worked out from the specification and its nearest recording.
 * Those for several nodes are played in `timelines-cluster.test.ts`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { TestCluster } from "../support/cluster.ts";
import { NO_RECORDINGS, play } from "../support/timeline-player.ts";
import { WRITTEN, withParsedJobs, writtenNames } from "../support/written-scenario.ts";
import { chosen, playChecked } from "./play-checked.ts";

const PARALLEL = 8;
const NAMES = chosen(writtenNames(({ cluster }) => cluster === "single"));

test("timelines of our own pass as the specification has them", {
  skip: NO_RECORDINGS || (NAMES.length === 0 && "none of them was named"),
}, async () => {
  const into = mkdtempSync(join(tmpdir(), "drover-timelines-"));
  const cluster = await TestCluster.start({ agents: 1 });
  const addresses = cluster.agents.map(({ api }) => `http://${api.address}`);
  const playThese = (folders: readonly string[], parallel: number) =>
    play({ addresses, folders, parallel });
  try {
    const scenarios = NAMES.map((name) => withParsedJobs(join(WRITTEN, name), into));
    await playChecked(scenarios, playThese, { parallel: PARALLEL });
  } finally {
    await cluster.stop();
    rmSync(into, { recursive: true, force: true });
  }
});
