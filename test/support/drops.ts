/** A cluster that is changed while clients use what it runs: which requests were lost, and when. */
import { purge } from "../bench/job.ts";
import { type ClusterOptions, TestCluster } from "./cluster.ts";
import { Load } from "./load/load.ts";
import { FAILURE_KINDS, type Failure, type LoadReport } from "./load/report.ts";
import { type Change, COUNT, type Played, Rollouts } from "./rollouts.ts";

export interface DropsOptions {
  readonly changes: readonly Change[];
  /** As users of Nomad have it: no acknowledgement and no grace, every stop sleeps so long. */
  readonly fixedSleep?: string;
  readonly consulAddress?: string;
}

export interface Drops {
  readonly report: LoadReport;
  readonly played: readonly Played[];
}

const NO_ACKNOWLEDGEMENT = `client {
  enabled                = true
  consumer_grace         = "0s"
  deregister_ack_timeout = "0s"
}`;
let serial = 0;

export async function playUnderLoad(options: DropsOptions): Promise<Drops> {
  const { fixedSleep, consulAddress, changes } = options;
  const cluster = await TestCluster.start({
    agents: 3,
    docker: true,
    consul: true,
    timings: "default",
    ...(fixedSleep === undefined ? {} : { extra: NO_ACKNOWLEDGEMENT }),
    ...(consulAddress === undefined ? {} : { consulAddress }),
  } satisfies ClusterOptions);
  const job = `steady-${process.pid}-${++serial}`;
  try {
    const rollouts = new Rollouts(cluster, { job, shutdownDelay: fixedSleep ?? "0s" });
    await rollouts.begin();
    return await underLoad(job, async (played) => {
      for (const change of changes) played.push(await rollouts.play(change));
      await rollouts.settled();
    });
  } finally {
    await purge(cluster, job);
    await cluster.stop();
  }
}

/** `play` pushes what it has played; the load begins before it and ends after it. */
export async function underLoad(
  service: string,
  play: (played: Played[]) => Promise<void>,
): Promise<Drops> {
  const load = await Load.start({ service });
  const played: Played[] = [];
  try {
    await play(played);
    return { report: await load.stop(), played };
  } finally {
    load.kill();
  }
}

/** At most so many requests are lost in one, with 95 % confidence, when none was: rule of three. */
export function boundOf({ requests }: LoadReport): number {
  return 3 / requests;
}

/** Processes that answered and were stopped: all but those that serve in the end. */
export function stopsOf({ instances }: LoadReport): number {
  return instances - COUNT;
}

export function byKind(failures: readonly Failure[]): string {
  const counts = FAILURE_KINDS.map((kind) => ({
    kind,
    count: failures.filter((one) => one.kind === kind).length,
  }));
  const some = counts.filter(({ count }) => count > 0);
  return some.length === 0 ? "none" : some.map(({ kind, count }) => `${count} ${kind}`).join(", ");
}

/** One line per change that lost requests, and one per request of the first few. */
export function describeFailures({ report, played }: Drops): string {
  const lines: string[] = [];
  for (const [i, { change, from }] of played.entries()) {
    const until = played[i + 1]?.from ?? Number.POSITIVE_INFINITY;
    const lost = report.failures.filter(({ failedAt }) => failedAt >= from && failedAt < until);
    if (lost.length === 0) continue;
    lines.push(`change ${i + 1}, ${change}: ${byKind(lost)}`);
    for (const one of lost.slice(0, 5)) lines.push(`  ${failureLine(one, from)}`);
  }
  return lines.join("\n");
}

function failureLine(one: Failure, from: number): string {
  const { kind, on, address, failedAt, sentAt, droppedForMs, detail } = one;
  const dropped = droppedForMs < 0 ? "in use" : `dropped ${droppedForMs} ms before`;
  const after = `${failedAt - from} ms into it, ${failedAt - sentAt} ms after it was sent`;
  return `${kind} on a ${on} connection to ${address} (${dropped}), ${after}: ${detail}`;
}
