/**
 * Recorded timelines for several nodes, which die, restart, drain and change their leader. They
 * have a cluster to themselves, one after the other; several clusters work off the list.
 */
import test from "node:test";
import { TimelineHost } from "../support/timeline-host.ts";
import { NO_RECORDINGS, type Played, play } from "../support/timeline-player.ts";
import { chosen, playChecked } from "./play-checked.ts";

const CLUSTERS = 3;
const NAMES = chosen(({ cluster }) => cluster === "multi");

test("timelines for three nodes pass as recorded, or differ on purpose", {
  skip: NO_RECORDINGS || (NAMES.length === 0 && "none of them was named"),
}, async () => {
  const hosts: TimelineHost[] = [];
  try {
    for (let i = 0; i < Math.min(CLUSTERS, NAMES.length); i++) {
      hosts.push(await TimelineHost.start());
    }
    await playChecked(NAMES, (folders) => playOnAll(hosts, folders), { parallel: 1 });
  } finally {
    await Promise.all(hosts.map((host) => host.stop()));
  }
});

async function playOnAll(
  hosts: readonly TimelineHost[],
  folders: readonly string[],
): Promise<Played> {
  const waiting = [...folders];
  const parts: Played[] = [];
  const workOff = async (host: TimelineHost) => {
    for (let folder = waiting.shift(); folder !== undefined; folder = waiting.shift()) {
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
