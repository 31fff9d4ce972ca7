/**
 * The leader is killed, or stopped by SIGSTOP, and a write is tried on each of the others all the
 * time: how long until one is acknowledged? etcd's of the same run beside it.
 * `node bench/failover.bench.ts [--rounds 10]`; etcd is left out without DROVER_TEST_ETCD.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Figure, ms, showFigures } from "../../../test/bench/figure.ts";
import { median, quantile, spread } from "../../../test/bench/stats.ts";
import { type EtcdMember, EtcdServers, lacksEtcd } from "../../../test/support/etcd.ts";
import { EtcdClient } from "../../../test/support/etcd-client.ts";
import { formProcesses, type MemberHandle, writeSomewhere } from "../src/testing/member-handle.ts";
import { syncFloor } from "./floors.ts";

const KILL_P50_LIMIT_MS = 300;
const LIMIT_MS = 1_500;
const WAIT_MS = 20_000;
const EVERY_MS = 20;

type Fault = "kill" | "stop";
type Gaps = Readonly<Record<Fault, readonly number[]>>;

const { values } = parseArgs({ options: { rounds: { type: "string", default: "10" } } });
const rounds = Number(values.rounds);
const root = mkdtempSync(join(tmpdir(), "raft-bench-"));
if (lacksEtcd) console.log(`etcd is not measured beside it: ${lacksEtcd}`);
try {
  const etcd = lacksEtcd ? null : await measureEtcd();
  const ours = await measureOurs();
  if (showFigures(figures(ours, etcd)) > 0) process.exitCode = 1;
} finally {
  rmSync(root, { recursive: true, force: true });
}

async function measureOurs(): Promise<Gaps> {
  const cluster = await formProcesses(join(root, "raft"), 3, { keepItems: false });
  const gaps: Record<Fault, number[]> = { kill: [], stop: [] };
  try {
    for (const fault of ["kill", "stop"] as const) {
      for (let round = 0; round < rounds; round++) {
        gaps[fault].push(await replaceLeader(cluster, fault));
      }
    }
    return gaps;
  } finally {
    await Promise.all(cluster.map((member) => member.kill()));
  }
}

async function replaceLeader(cluster: MemberHandle[], fault: Fault): Promise<number> {
  const before = await writeSomewhere(cluster, "before", WAIT_MS);
  if (before === "unknown") throw new Error("a write before the fault was not acknowledged");
  const { member: leader, index } = before;
  // Every follower is to be connected and heard of before its leader is gone.
  await Promise.all(cluster.map((member) => member.call("items", { last: index })));
  const rest = cluster.filter((member) => member !== leader);
  const from = performance.now();
  const gone = fault === "kill" ? leader.kill() : leader.pause();
  if ((await writeSomewhere(rest, "after", WAIT_MS)) === "unknown") {
    throw new Error("the write after the fault has no known outcome");
  }
  const gap = performance.now() - from;
  await gone;
  if (fault === "kill") cluster[cluster.indexOf(leader)] = await leader.restart();
  else leader.resume();
  return gap;
}

async function measureEtcd(): Promise<Gaps> {
  const etcd = await EtcdServers.start({ members: 3, dir: join(root, "etcd") });
  const gaps: Record<Fault, number[]> = { kill: [], stop: [] };
  try {
    for (const fault of ["kill", "stop"] as const) {
      for (let round = 0; round < rounds; round++) {
        gaps[fault].push(await replaceEtcdLeader(etcd, fault));
      }
    }
    return gaps;
  } finally {
    await etcd.stop();
  }
}

async function replaceEtcdLeader(etcd: EtcdServers, fault: Fault): Promise<number> {
  const leader = await etcd.leader();
  const rest = etcd.members.filter((member) => member !== leader);
  const clients = await Promise.all(rest.map(({ url }) => EtcdClient.connect(url)));
  for (const client of clients) await client.put("before", new Uint8Array(1));
  const from = performance.now();
  const gone = fault === "kill" ? etcd.kill(leader) : suspend(leader);
  await firstPut(clients);
  const gap = performance.now() - from;
  await gone;
  for (const client of clients) client.close();
  if (fault === "kill") etcd.boot(leader);
  else leader.process?.kill("SIGCONT");
  await etcd.healthy();
  return gap;
}

function suspend(member: EtcdMember): void {
  member.process?.kill("SIGSTOP");
}

/** Starts a write on each survivor every 20 ms until one has been acknowledged. */
async function firstPut(clients: readonly EtcdClient[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = performance.now() + WAIT_MS;
  try {
    await new Promise<void>((resolve, reject) => {
      const send = () => {
        if (performance.now() > deadline) reject(new Error("no write was acknowledged"));
        for (const client of clients) {
          client.put("after", new Uint8Array(1)).then(
            () => resolve(),
            // Refused while nobody leads: that is what is being measured.
            () => undefined,
          );
        }
      };
      timer = setInterval(send, EVERY_MS);
      send();
    });
  } finally {
    clearInterval(timer);
  }
}

function figures(ours: Gaps, etcd: Gaps | null): readonly Figure[] {
  const flush = `${syncFloor().p50Ms.toFixed(2)} ms`;
  const told = (fault: Fault) =>
    `${spread(ours[fault])} ms; etcd ` +
    `${etcd === null ? "not measured" : `p50 ${ms(median(etcd[fault]))}, ${spread(etcd[fault])} ms`}` +
    "; floor: one entry appended and synced";
  const worst = (fault: Fault) => quantile(ours[fault], 1);
  const p50 = median(ours.kill);
  return [
    {
      name: "leader killed → next acknowledged write",
      measured: `p50 ${ms(p50)}, max ${ms(worst("kill"))}`,
      target: `p50 ≤ ${KILL_P50_LIMIT_MS} ms, max ≤ ${LIMIT_MS} ms`,
      floor: flush,
      met: p50 <= KILL_P50_LIMIT_MS && worst("kill") <= LIMIT_MS,
      detail: told("kill"),
    },
    {
      name: "leader stopped by SIGSTOP → next acknowledged write, max",
      measured: ms(worst("stop")),
      target: `≤ ${LIMIT_MS} ms`,
      floor: flush,
      met: worst("stop") <= LIMIT_MS,
      detail: told("stop"),
    },
  ];
}
