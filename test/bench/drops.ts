/**
 * Requests lost while a service is updated, drained and reverted under load, with the acknowledged
 * stop; beside it the same rig with a sleep of fixed length before each signal, which is what users
 * of Nomad configure, and Docker Swarm.
 */
import { ConsulRelay } from "../support/consul-relay.ts";
import {
  boundOf,
  byKind,
  type Drops,
  describeFailures,
  playUnderLoad,
  stopsOf,
} from "../support/drops.ts";
import type { Change } from "../support/rollouts.ts";
import type { Figure } from "./figure.ts";
import { swarmUnderLoad } from "./swarm.ts";

const PER_SECOND = 500;
/** Updates of each of the other ways to stop; they lose enough for a figure. */
const COMPARED = 10;
/** A Consul that is busy takes so long to take in a departure. */
const BUSY_MS = 2500;

/** Of five changes three are updates, one is a drain and one a revert, of each kind in turn. */
export function changesOf(count: number): Change[] {
  const reverts: Change[] = ["revert", "revert midway", "revert of a bad version"];
  return Array.from({ length: count }, (_, i): Change => {
    if (i % 5 === 2) return "drain";
    if (i % 5 === 4) return reverts[Math.floor(i / 5) % reverts.length] ?? "revert";
    return "update";
  });
}

export async function measureDrops(count: number): Promise<readonly Figure[]> {
  const repeated = (change: Change) =>
    Array.from({ length: Math.min(COMPARED, count) }, () => change);
  const updates = repeated("update");
  const ours = await playUnderLoad({ changes: changesOf(count) });
  const killed = await playUnderLoad({ changes: repeated("update, an agent killed") });
  const figures = [
    acknowledgedFigure(`${count} changes`, ours),
    acknowledgedFigure(`${updates.length} updates, in each an agent killed (SIGKILL)`, killed),
  ];
  for (const fixedSleep of ["0s", "1s", "2s"]) {
    const seen = await playUnderLoad({ changes: updates, fixedSleep });
    figures.push(comparedFigure(`sleep of ${fixedSleep} before the signal`, seen));
  }
  figures.push(...(await withBusyConsul(updates)));
  figures.push(comparedFigure("Docker Swarm", await swarmUnderLoad(updates.length)));
  return figures;
}

async function withBusyConsul(updates: readonly Change[]): Promise<readonly Figure[]> {
  const relay = await ConsulRelay.start(BUSY_MS);
  const busy = `departures reach Consul ${BUSY_MS} ms late`;
  try {
    const consulAddress = relay.address;
    const ours = await playUnderLoad({ changes: updates, consulAddress });
    const slept = await playUnderLoad({ changes: updates, consulAddress, fixedSleep: "2s" });
    return [
      acknowledgedFigure(`${updates.length} updates, ${busy}`, ours),
      comparedFigure(`sleep of 2s before the signal, ${busy}`, slept),
    ];
  } finally {
    relay.close();
  }
}

function acknowledgedFigure(what: string, drops: Drops): Figure {
  const { report, played } = drops;
  console.log(describeFailures(drops));
  const { failures, requests, perSecond } = report;
  const kinds = [...new Set(played.map(({ change }) => change))].map(
    (kind) => `${played.filter(({ change }) => change === kind).length} × ${kind}`,
  );
  return {
    name: `${what}, acknowledged stop: requests lost`,
    measured: `${failures.length} of ${requests}`,
    target: `0, at ≥ ${PER_SECOND} requests/s`,
    floor: "0",
    met: failures.length === 0 && perSecond >= PER_SECOND,
    detail:
      `${byKind(failures)}; 3/N = ${boundOf(report).toExponential(1)}; ${kinds.join(", ")}; ` +
      loadText(drops),
  };
}

function comparedFigure(what: string, drops: Drops): Figure {
  const { report, played } = drops;
  const { failures, requests } = report;
  return {
    name: `${what}: requests lost per update of six`,
    measured: (failures.length / played.length).toFixed(1),
    target: "–",
    floor: "0",
    met: true,
    detail: `${failures.length} of ${requests}: ${byKind(failures)}; ${loadText(drops)}`,
  };
}

function loadText({ report, played }: Drops): string {
  const { byConnection: by, stoppedInFlight, stoppedHeld } = report;
  const { perSecond, perSecondLowest, lagMaxMs, stallMaxMs, tookMs } = report;
  const stops = stopsOf(report);
  return (
    `${played.length} changes in ${(tookMs / 1000).toFixed(0)} s, ${perSecond.toFixed(0)} ` +
    `requests/s (slowest second ${perSecondLowest}): ${by.new} on new connections, ${by.reused} on ` +
    `used ones, ${by.held} on rested ones, ${by.slow} of 2 to 3 s; at ${stoppedInFlight} of ` +
    `${stops} stops requests in flight, at ${stoppedHeld} resting connections; from the catalog's ` +
    `answer to a client at most ${lagMaxMs.toFixed(0)} ms, longest pause of the load ` +
    `${stallMaxMs.toFixed(0)} ms`
  );
}
