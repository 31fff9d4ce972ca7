/**
 * Timelines for several nodes, which die, restart, drain and change their leader: recorded ones and
 * our own. They have a cluster to themselves, one after the other; several clusters work off the
 * list.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { TimelineHost } from "../support/timeline-host.ts";
import {
  NO_RECORDINGS,
  type Played,
  play,
  RECORDED,
  recordedNames,
  type Scenario,
} from "../support/timeline-player.ts";
import { WRITTEN, withParsedJobs, writtenNames } from "../support/written-scenario.ts";
import { chosen, playChecked } from "./play-checked.ts";

/** Of each kind. */
const CLUSTERS = [{ isPatient: true }, { isPatient: false }, { isPatient: false }];
const onSeveral = ({ cluster }: Scenario) => cluster === "multi";
const RECORDED_ONES = chosen(recordedNames(onSeveral));
const WRITTEN_ONES = chosen(writtenNames(onSeveral));
const COUNT = RECORDED_ONES.length + WRITTEN_ONES.length;

test("timelines for three nodes pass as recorded, or differ on purpose", {
  skip: NO_RECORDINGS || (COUNT === 0 && "none of them was named"),
}, async () => {
  const hosts: TimelineHost[] = [];
  const into = mkdtempSync(join(tmpdir(), "drover-timelines-"));
  try {
    for (const kind of CLUSTERS) hosts.push(await TimelineHost.start(kind));
    const scenarios = [
      ...RECORDED_ONES.map((name) => join(RECORDED, name)),
      ...WRITTEN_ONES.map((name) => withParsedJobs(join(WRITTEN, name), into)),
    ];
    await playChecked(scenarios, (folders) => playOnAll(hosts, folders), { parallel: 1 });
  } finally {
    await Promise.all(hosts.map((host) => host.stop()));
    rmSync(into, { recursive: true, force: true });
  }
});

async function playOnAll(
  hosts: readonly TimelineHost[],
  folders: readonly string[],
): Promise<Played> {
  const waiting = [...folders];
  const parts: Played[] = [];
  const workOff = async (host: TimelineHost) => {
    for (;;) {
      const at = waiting.findIndex((folder) => host.suits(folder));
      if (at < 0) return;
      const [folder = ""] = waiting.splice(at, 1);
      await host.settle();
      const { addresses, hookUrl } = host;
      parts.push(await play({ addresses, hookUrl, folders: [folder], parallel: 1 }));
    }
  };
  await Promise.all(hosts.map(workOff));
  return {
    scenarios: parts.reduce((sum, { scenarios }) => sum + scenarios, 0),
    misses: parts.flatMap(({ misses }) => misses),
    output: parts.map(({ output }) => output).join(""),
  };
}
