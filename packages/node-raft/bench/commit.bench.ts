/**
 * Commits and linearizable reads per second of three processes on loopback with real syncs, and
 * etcd's of the same run: three servers, the same entries, as many clients. Ours are inside the
 * leader's process; etcd's are in this one, over gRPC to its leader.
 * `node bench/commit.bench.ts [--seconds 5]`; etcd is left out without DROVER_TEST_ETCD.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Figure, showFigures } from "../../../test/bench/figure.ts";
import { quantile } from "../../../test/bench/stats.ts";
import { EtcdServers, lacksEtcd } from "../../../test/support/etcd.ts";
import { EtcdClient } from "../../../test/support/etcd-client.ts";
import { formProcesses, writeSomewhere } from "../src/testing/member-handle.ts";
import { ENTRY_BYTES, type SyncFloor, syncFloor } from "./floors.ts";

const CLIENTS = [1, 64, 256] as const;
const READERS = 256;
const P50_LIMIT_MS = 0.8;
const ETCD_RATIO = 3;
const RATE_LIMIT = 18_000;
const READ_LIMIT = 30_000;

type Clients = (typeof CLIENTS)[number];
type Work = "write" | "read";

interface Rate {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

interface Rates {
  readonly writes: Readonly<Record<Clients, Rate>>;
  readonly reads: Rate;
}

const { values } = parseArgs({ options: { seconds: { type: "string", default: "5" } } });
const runMs = Number(values.seconds) * 1000;
const root = mkdtempSync(join(tmpdir(), "raft-bench-"));
if (lacksEtcd) console.log(`etcd is not measured beside it: ${lacksEtcd}`);
try {
  const floor = syncFloor();
  const etcd = lacksEtcd ? null : await measureEtcd();
  const ours = await measureOurs();
  if (showFigures(figures(ours, etcd, floor)) > 0) process.exitCode = 1;
} finally {
  rmSync(root, { recursive: true, force: true });
}

async function measureOurs(): Promise<Rates> {
  const members = await formProcesses(join(root, "raft"), 3, { keepItems: false });
  try {
    const first = await writeSomewhere(members, "warm", 10_000);
    if (first === "unknown") throw new Error("no leader");
    const run = async (work: Work, clients: number): Promise<Rate> => {
      const args = { work, clients, bytes: ENTRY_BYTES, ms: runMs };
      const { count, seconds, p50Ms, p99Ms } = await first.member.call("load", args);
      return { perSecond: Math.round(count / seconds), p50Ms, p99Ms };
    };
    return await rates(run);
  } finally {
    await Promise.all(members.map((member) => member.kill()));
  }
}

async function measureEtcd(): Promise<Rates> {
  const etcd = await EtcdServers.start({ members: 3, dir: join(root, "etcd") });
  try {
    const client = await EtcdClient.connect((await etcd.leader()).url);
    const run = (work: Work, clients: number) => loadEtcd(client, work, clients);
    const measured = await rates(run);
    client.close();
    return measured;
  } finally {
    await etcd.stop();
  }
}

async function rates(run: (work: Work, clients: number) => Promise<Rate>): Promise<Rates> {
  // The first run warms the code up.
  await run("write", 16);
  const writes = { 1: await run("write", 1), 64: await run("write", 64) };
  return { writes: { ...writes, 256: await run("write", 256) }, reads: await run("read", READERS) };
}

async function loadEtcd(client: EtcdClient, work: Work, clients: number): Promise<Rate> {
  const value = new Uint8Array(ENTRY_BYTES).fill(65);
  const latencies: number[] = [];
  const from = performance.now();
  const one = async (n: number): Promise<void> => {
    while (performance.now() - from < runMs) {
      const at = performance.now();
      if (work === "write") await client.put(`client${n}`, value);
      else await client.read(`client${n}`);
      latencies.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, n) => one(n)));
  const perSecond = Math.round(latencies.length / ((performance.now() - from) / 1000));
  return { perSecond, p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99) };
}

function figures(ours: Rates, etcd: Rates | null, floor: SyncFloor): readonly Figure[] {
  const { 1: one, 64: some, 256: many } = ours.writes;
  const base = etcd?.writes[64];
  return [
    {
      name: "1 client, commit p50",
      measured: `${one.p50Ms.toFixed(2)} ms`,
      target: `≤ ${P50_LIMIT_MS} ms`,
      floor: `${floor.p50Ms.toFixed(2)} ms`,
      met: one.p50Ms <= P50_LIMIT_MS,
      detail: beside(one, etcd?.writes[1], "floor: one entry appended and synced"),
    },
    {
      name: "64 clients, commits",
      measured: `${some.perSecond}/s, p99 ${some.p99Ms.toFixed(1)} ms`,
      target: `≥ ${ETCD_RATIO} × etcd's at no worse p99`,
      floor: `${floor.perSecond}/s`,
      met:
        base === undefined ||
        (some.perSecond >= ETCD_RATIO * base.perSecond && some.p99Ms <= base.p99Ms),
      detail: beside(some, base, "floor: one sync for each entry"),
    },
    {
      name: "256 clients, commits",
      measured: `${many.perSecond}/s`,
      target: `≥ ${RATE_LIMIT}/s`,
      floor: `${floor.perSecond}/s`,
      met: many.perSecond >= RATE_LIMIT,
      detail: beside(many, etcd?.writes[256], "floor: one sync for each entry"),
    },
    {
      name: `linearizable reads, ${READERS} clients`,
      measured: `${ours.reads.perSecond}/s`,
      target: `≥ ${READ_LIMIT}/s`,
      floor: "none: no disk",
      met: ours.reads.perSecond >= READ_LIMIT,
      detail: beside(ours.reads, etcd?.reads, "on the leader"),
    },
  ];
}

function beside(ours: Rate, etcd: Rate | undefined, more: string): string {
  const said = etcd === undefined ? "not measured" : describe(etcd);
  const ratio = etcd === undefined ? "" : ` (${(ours.perSecond / etcd.perSecond).toFixed(1)} ×)`;
  return `${describe(ours)}; etcd ${said}${ratio}; ${more}`;
}

function describe({ perSecond, p50Ms, p99Ms }: Rate): string {
  return `${perSecond}/s, p50 ${p50Ms.toFixed(2)}, p99 ${p99Ms.toFixed(2)} ms`;
}
