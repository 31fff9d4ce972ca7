/**
 * The seam of DESIGN §5, and the evidence of ADR 0001: the same servers under the same workload, on
 * our Raft and on a real etcd, write the same log and reach the same state at every 1,000th index.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import type { StateSnapshot } from "@drover/state";
import { EngineCluster } from "../engines/engine-cluster.ts";
import { EtcdEngine, entryKey } from "../engines/etcd-engine.ts";
import { EtcdGateway } from "../engines/etcd-gateway.ts";
import { ServerWorkload } from "../engines/server-workload.ts";
import { EtcdServers, lacksEtcd } from "../support/etcd.ts";
import { waitUntil } from "../support/wait.ts";

const SEED = 5;
const EVERY = 1_000;
/** Leadership goes to another server between these, and after the last the run ends. */
const LEGS = [1_900, 3_900, 5_100];
/** An etcd that shares its processors with other tests must not elect anew. */
const ELECTION_MS = 5_000;

const dir = mkdtempSync(join(tmpdir(), "drover-engines-"));
after(() => rmSync(dir, { recursive: true, force: true }));

interface Played {
  readonly cluster: EngineCluster;
  readonly workload: ServerWorkload;
  readonly last: number;
}

async function play(cluster: EngineCluster): Promise<Played> {
  const workload = new ServerWorkload(cluster, SEED);
  for (const [leg, index] of LEGS.entries()) {
    if (leg > 0) await cluster.changeLeader();
    await workload.runTo(index);
  }
  return { cluster, workload, last: await cluster.level() };
}

/** Of every row of every table. */
function contentHash(state: StateSnapshot): string {
  const hash = createHash("sha256");
  for (const record of state.dump()) hash.update(JSON.stringify(record));
  return hash.digest("hex");
}

/** Where the two logs part, for the message of a failure. */
function firstDifference(a: EngineCluster, b: EngineCluster): string {
  const [first, second] = [a.members[0]?.commands, b.members[0]?.commands];
  const indexes = new Set([...(first?.keys() ?? []), ...(second?.keys() ?? [])]);
  for (const index of [...indexes].sort((x, y) => x - y)) {
    const [one, other] = [first, second].map((log) => JSON.stringify(log?.get(index)));
    if (one !== other) return `from entry ${index} on:\nraft ${one}\netcd ${other}`;
  }
  return "the logs are the same";
}

test("on our Raft and on etcd the same workload reaches the same state at every 1,000th index", {
  skip: lacksEtcd,
  timeout: 400_000,
}, async (t) => {
  const stopLater = stopper(t);
  const raft = await EngineCluster.onRaft(join(dir, "raft"));
  stopLater(() => raft.stop());
  await raft.leader();
  await raft.level();
  const [firstCommand = 0] = raft.members[0]?.commands.keys() ?? [];

  const etcd = await EtcdServers.start({
    ...{ members: 3, dir: join(dir, "etcd"), electionMs: ELECTION_MS },
  });
  stopLater(() => etcd.stop());
  // Each leadership begins with an entry of its own, on both.
  const second = await EngineCluster.onEtcd(etcd, { firstIndex: firstCommand - 1 });
  stopLater(() => second.stop());
  // Beside each other, since both mostly wait for disks.
  const [one, other] = await Promise.all([play(raft), play(second)]);

  const [reference] = raft.members;
  assert.ok(reference);
  const where = () => firstDifference(raft, second);
  assert.equal(other.last, one.last, where());
  const everyThousandth = Array.from(
    { length: Math.floor(one.last / EVERY) },
    (_, i) => (i + 1) * EVERY,
  );
  assert.ok(everyThousandth.length >= 5);
  const content = contentHash(reference.store.snapshot());
  for (const { chains, store } of [...raft.members, ...second.members]) {
    assert.deepEqual([...chains.keys()], everyThousandth);
    assert.deepEqual(chains, reference.chains, where());
    assert.equal(contentHash(store.snapshot()), content);
  }
  const statuses = [...reference.store.snapshot().deployments()].map(({ status }) => status);
  for (const status of ["successful", "failed", "cancelled", "running"]) {
    assert.ok(statuses.includes(status), `no deployment is ${status}`);
  }
  t.diagnostic(`${one.last} entries; ${JSON.stringify([...reference.chains])}`);
  t.diagnostic(`asked and not refused: ${JSON.stringify(one.workload.done)}`);
});

test("an engine on etcd keeps one order for all", {
  skip: lacksEtcd,
  timeout: 60_000,
}, async (t) => {
  const { start, gateway } = await seam(t);
  const [a, b] = [await start("a"), await start("b")];
  assert.ok(a.engine.leadership().self && !b.engine.leadership().self);
  await assert.rejects(b.engine.propose(Buffer.from("b")), { code: "no-leader" });
  const texts = Array.from({ length: 500 }, (_, i) => `a${i}`);
  const answers = await Promise.all(texts.map((text) => a.engine.propose(Buffer.from(text))));
  // The first entry is the leadership's own.
  assert.deepEqual(
    answers.map(({ index, result }) => [index, result]),
    texts.map((_, i) => [i + 2, i + 1]),
  );
  await b.engine.barrier();
  assert.deepEqual(b.applied, a.applied);

  await a.engine.transferLeadership();
  await until("b leads", () => b.engine.leadership().self);
  const { term } = b.engine.leadership();
  assert.ok(term > (answers[0]?.term ?? 0));
  await assert.rejects(a.engine.propose(Buffer.from("late")), { code: "no-leader" });

  // The key is taken from it in the middle, as when its lease runs out.
  const more = Array.from({ length: 3_000 }, (_, i) => `b${i}`);
  const proposals = more.map((text) => b.engine.propose(Buffer.from(text)));
  const ended = Promise.allSettled(proposals);
  await proposals[0];
  assert.ok(await gateway.writeIf([{ key: LEADER, createRevision: term }], { deletes: [LEADER] }));
  const outcomes = await ended;
  const acknowledged = more.filter((_, i) => outcomes[i]?.status === "fulfilled");
  assert.ok(acknowledged.length > 0 && acknowledged.length < more.length);
  const c = await start("c");
  await Promise.all([a, b, c].map(({ engine }) => engine.barrier()));
  const inLog = c.applied.map((line) => line.split(" ")[1]);
  assert.deepEqual(inLog, [...texts, ...acknowledged]);
  assert.deepEqual(a.applied, c.applied);
  assert.deepEqual(b.applied, c.applied);
});

test("an engine on etcd appends only while it leads, and only where nothing is", {
  skip: lacksEtcd,
  timeout: 60_000,
}, async (t) => {
  const { start, gateway } = await seam(t);
  const { engine, applied, gateway: own } = await start("a");
  await engine.propose(Buffer.from("one"));
  // It hears nothing, and still believes that it leads.
  own.hold();
  const { term } = engine.leadership();
  assert.ok(await gateway.writeIf([{ key: LEADER, createRevision: term }], { deletes: [LEADER] }));
  assert.ok(engine.leadership().self);
  const refused = engine.propose(Buffer.from("not ours"), { timeoutMs: 5_000 });
  await assert.rejects(refused, { code: "no-leader" });
  own.release();
  await until("it leads again", () => engine.leadership().self);
  const { index } = await engine.propose(Buffer.from("two"));

  const value = Buffer.concat([Buffer.alloc(8), Buffer.from("somebody's")]);
  await gateway.writeIf([], { puts: [{ key: entryKey("seam/", index + 1), value }] });
  const over = engine.propose(Buffer.from("over it"), { timeoutMs: 5_000 });
  await assert.rejects(over, { code: "no-leader" });
  await until("it leads once more", () => engine.leadership().self);
  await engine.propose(Buffer.from("three"));
  assert.deepEqual(
    applied.map((line) => line.replace(/^\d+ /, "")),
    ["one", "two", "somebody's", "three"],
  );
});

const LEADER = "seam/leader";

/** Engines on one etcd, each with a machine that keeps what it applied. */
async function seam(t: TestContext) {
  const stopLater = stopper(t);
  const home = mkdtempSync(join(dir, "seam-"));
  const etcd = await EtcdServers.start({ members: 1, dir: home, electionMs: ELECTION_MS });
  stopLater(() => etcd.stop());
  const url = etcd.members[0]?.url ?? "";
  const start = async (address: string) => {
    const applied: string[] = [];
    const gateway = new HeldGateway(url);
    const engine = new EtcdEngine<number>({
      ...{ gateway, prefix: "seam/", address, peers: () => [], firstIndex: 1, leaseSeconds: 60 },
      log: (message) => t.diagnostic(`${address}: ${message}`),
      machine: {
        apply: (entries) =>
          entries.map(({ index, data }) => {
            applied.push(`${index} ${Buffer.from(data)}`);
            return applied.length;
          }),
      },
    });
    engine.start();
    stopLater(() => {
      gateway.release();
      return engine.stop();
    });
    await until(`${address} knows a leader`, () => engine.leadership().leaderAddress !== "");
    return { engine, applied, gateway };
  };
  return { start, gateway: new EtcdGateway(url) };
}

/** Its watches tell nothing while they are held. */
class HeldGateway extends EtcdGateway {
  #held: Promise<void> = Promise.resolve();
  release: () => void = () => undefined;

  hold(): void {
    this.#held = new Promise((resolve) => {
      this.release = resolve;
    });
  }

  override async *watch(...args: Parameters<EtcdGateway["watch"]>) {
    for await (const event of super.watch(...args)) {
      await this.#held;
      yield event;
    }
  }
}

/** What was started last is stopped first. */
function stopper(t: TestContext): (stop: () => Promise<void>) => void {
  const stops: (() => Promise<void>)[] = [];
  t.after(async () => {
    for (const stop of stops.reverse()) await stop();
  });
  return (stop) => void stops.push(stop);
}

async function until(what: string, holds: () => boolean): Promise<void> {
  await waitUntil(holds, (held) => held, { timeoutMs: 20_000, what, everyMs: 5 });
}
