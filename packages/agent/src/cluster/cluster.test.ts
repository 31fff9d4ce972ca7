import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { listen, PeerPool, Router } from "@drover/wire";
import { type MembershipSettings, openRaftNode, type RaftNode } from "@raft/node-raft";
import { createWsTransport } from "@raft/node-raft/ws";
import { systemClock } from "../real-world.ts";
import { Cluster } from "./cluster.ts";

interface Machine {
  readonly name: string;
  readonly address: string;
  readonly raft: RaftNode<unknown> | null;
  readonly cluster: Cluster;
  readonly lines: string[];
  stop(): Promise<void>;
}

const running = new Set<Machine>();
after(async () => {
  for (const machine of running) await machine.stop();
});

const nothing = {
  apply: (entries: readonly unknown[]) => entries.map(() => null),
  snapshot: () => ({ async *stream() {} }),
  restore: async () => undefined,
};

interface StartOptions {
  readonly expect?: number;
  readonly join?: readonly string[];
  readonly server?: boolean;
  readonly port?: number;
  /** Kept in memory when left out. */
  readonly dataDir?: string;
  readonly membership?: Partial<MembershipSettings>;
}

async function start(name: string, options: StartOptions): Promise<Machine> {
  const router = new Router(() => undefined);
  const peers = new PeerPool(router);
  const transport = createWsTransport();
  const wire = await listen({
    host: "127.0.0.1",
    port: options.port ?? 0,
    router,
    onRaftSocket: (socket, request) => transport.acceptPeer(socket, request),
  });
  const lines: string[] = [];
  const raft =
    options.server === false
      ? null
      : await openRaftNode<unknown>({
          dataDir: options.dataDir ?? "",
          address: wire.address,
          stateMachine: nothing,
          transport,
          storage: options.dataDir === undefined ? "memory" : undefined,
        });
  const cluster = new Cluster(
    {
      self: {
        id: raft?.memberId ?? wire.address,
        name,
        rpcAddr: wire.address,
        httpAddr: "127.0.0.1:1",
        datacenter: "dc1",
        region: "global",
        server: raft !== null,
        client: true,
        level: 1,
        expect: options.expect ?? 0,
      },
      join: options.join ?? [],
      membership: options.membership ?? {},
    },
    {
      clock: systemClock,
      log: (_level, message, fields) => lines.push(`${message} ${JSON.stringify(fields ?? {})}`),
      router,
      peers,
      raft,
    },
  );
  cluster.onBeside(() => lines.push("told that it is outside"));
  cluster.start();
  const machine: Machine = {
    name,
    address: wire.address,
    raft,
    cluster,
    lines,
    stop: async () => {
      running.delete(machine);
      cluster.stop();
      await raft?.stop({ transfer: false });
      peers.close();
      await wire.close();
    },
  };
  running.add(machine);
  return machine;
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await holds())) {
    const told = [...running].flatMap((m) => m.lines.map((line) => `${m.name}: ${line}`));
    assert.ok(Date.now() < end, `never: ${what}\n${told.join("\n")}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function led(machines: readonly Machine[]): boolean {
  const leaders = machines.map((m) => m.raft?.status().leader ?? "");
  return leaders.every((id) => id !== "" && id === leaders[0]);
}

async function stopAll(...machines: readonly Machine[]): Promise<void> {
  for (const machine of machines) await machine.stop();
}

test("three that expect three form one cluster, though only the first is named", async () => {
  const a = await start("a", { expect: 3 });
  const join = [a.address];
  const [b, c] = await Promise.all([
    start("b", { expect: 3, join }),
    start("c", { expect: 3, join }),
  ]);
  const all = [a, b, c];
  await until("one leader", () => led(all));
  assert.equal(new Set(all.map((m) => m.raft?.clusterId)).size, 1);
  const members = await b.cluster.members();
  assert.deepEqual(
    members.map((m) => [m.name, m.voter, m.alive]),
    [
      ["a", true, true],
      ["b", true, true],
      ["c", true, true],
    ],
  );
  await stopAll(...all);
});

test("a server that began anew before the cluster formed does not hold the others up", async () => {
  const a = await start("a", { expect: 3 });
  const join = [a.address];
  const b = await start("b", { expect: 3, join });
  await until("a knows b", () => a.cluster.serverAddresses().includes(b.address));
  const port = Number(b.address.split(":")[1]);
  await b.stop();
  // The same address with another data directory, hence another id.
  const again = await start("b", { expect: 3, join, port });
  const c = await start("c", { expect: 3, join });
  const all = [a, again, c];
  await until("one leader", () => led(all));
  await stopAll(...all);
});

test("of one that forms alone and those who join, three vote, two stand by, one is beside", async () => {
  const a = await start("a", { expect: 1 });
  const join = [a.address];
  const all = [a];
  await until("a leads", () => led([a]));
  for (const name of ["b", "c", "d", "e"]) all.push(await start(name, { join }));
  await until("five members", () => {
    const conf = a.raft?.status().conf;
    return conf?.voters.length === 3 && conf.learners.length === 2;
  });
  await until("all know the leader", () => led(all));
  const f = await start("f", { join });
  await until("f is told", () => f.cluster.isOutside);
  const told = (m: Machine) => m.lines.filter((line) => line === "told that it is outside").length;
  assert.deepEqual([...all, f].map(told), [0, 0, 0, 0, 0, 1]);
  assert.equal(f.raft?.clusterId, "");
  assert.ok(f.cluster.serverAddresses().includes(a.address));
  await stopAll(...all, f);
});

test("a server that asked before there was a leader is taken in later", async () => {
  const a = await start("a", { expect: 2 });
  const b = await start("b", { expect: 2, join: [a.address] });
  await until("a leader", () => led([a, b]));
  const follower = a.raft?.status().role === "leader" ? b : a;
  const other = follower === a ? b : a;
  await other.stop();
  const c = await start("c", { join: [follower.address] });
  await until("c has asked", () => c.lines.some((line) => line.includes("waiting for a cluster")));
  assert.equal(c.raft?.clusterId, "");
  await stopAll(follower, c);
});

test("the first server, back without its disk and naming nobody, is greeted by the leader", async () => {
  const membership = { deadAfterMs: 1_000 };
  const a = await start("a", { expect: 3, membership });
  const rest = { expect: 3, join: [a.address], membership };
  const [b, c] = [await start("b", rest), await start("c", rest)];
  await until("one leader", () => led([a, b, c]));
  const port = Number(a.address.split(":")[1]);
  await a.stop();
  await until("another leader", () => led([b, c]) && b.raft?.status().leader !== idOf(a));
  const again = await start("a", { expect: 3, membership, port });
  assert.deepEqual(again.cluster.serverAddresses(), []);
  await until("it votes in the place it had", () => {
    const { voters } = confOf(b);
    return voters.length === 3 && voters.includes(idOf(again)) && !voters.includes(idOf(a));
  });
  await stopAll(again, b, c);
});

test("an agent outside Raft finds servers that start after it", async () => {
  const reserved = await start("x", { expect: 1 });
  const port = Number(reserved.address.split(":")[1]);
  const { address } = reserved;
  await until("it has formed", () => led([reserved]));
  await reserved.stop();
  const client = await start("client", { server: false, join: [address] });
  assert.ok(client.cluster.isOutside);
  const a = await start("a", { expect: 1, port });
  await until("the client knows a", async () =>
    (await client.cluster.members()).some((m) => m.name === "a" && m.leader && m.alive),
  );
  assert.ok(!a.cluster.serverAddresses().includes(client.address));
  await stopAll(client, a);
});

test("a server of another cluster is not taken for one of ours", async () => {
  const a = await start("a", { expect: 1 });
  const z = await start("z", { expect: 1 });
  await until("two clusters", () => led([a]) && led([z]));
  await z.cluster.join([a.address]);
  assert.deepEqual(
    (await z.cluster.members()).map((m) => m.name),
    ["z"],
  );
  assert.deepEqual(
    (await a.cluster.members()).map((m) => m.name),
    ["a"],
  );
  await stopAll(a, z);
});

test("who was replaced while it was away works beside the cluster until it is wanted", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "drover-cluster-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const membership = { standbys: 1, deadAfterMs: 3_000 };
  const a = await start("a", { expect: 3, membership, dataDir: join(dir, "a") });
  const founder = (name: string, port = 0) =>
    start(name, { expect: 3, join: [a.address], membership, dataDir: join(dir, name), port });
  const founders = [a, await founder("b"), await founder("c")];
  await until("one leader", () => led(founders));
  const leader = founders.find((m) => m.raft?.status().role === "leader");
  const [victim, third] = founders.filter((m) => m !== leader);
  assert.ok(leader && victim && third);
  const late = { join: [leader.address, third.address], membership };
  const d = await start("d", late);
  await until("d stands by", () => confOf(leader).learners.includes(idOf(d)));
  const e = await start("e", late);
  await until("e is beside", () => e.cluster.isOutside);

  const port = Number(victim.address.split(":")[1]);
  await victim.stop();
  await until("d votes, e stands by, the dead one is forgotten", () => {
    const { voters, learners } = confOf(leader);
    return voters.includes(idOf(d)) && learners.length === 1 && learners[0] === idOf(e);
  });
  assert.ok(!confOf(leader).voters.includes(idOf(victim)));
  const { term } = leader.raft?.status() ?? { term: 0 };

  const again = await start(victim.name, {
    ...{ expect: 3, join: late.join, membership, port, dataDir: join(dir, victim.name) },
  });
  assert.equal(idOf(again), idOf(victim));
  await until("it notices", () => again.cluster.isOutside);
  const seen = await again.cluster.members();
  assert.deepEqual(
    seen.filter((member) => member.voter).map((member) => member.name),
    [leader, third, d].map((machine) => machine.name).sort(),
  );
  assert.ok(seen.some((member) => member.leader && member.id === idOf(leader)));

  await e.stop();
  await until("it stands by", () => confOf(leader).learners.includes(idOf(again)));
  const all = [leader, third, d, again];
  await until("it hears a leader", () => !again.cluster.isOutside && led(all));
  assert.equal(leader.raft?.status().term, term, "nobody had to be elected");
  await stopAll(...all);
});

function confOf(machine: Machine): { voters: readonly string[]; learners: readonly string[] } {
  return machine.raft?.status().conf ?? { voters: [], learners: [] };
}

function idOf(machine: Machine): string {
  return machine.raft?.memberId ?? "";
}
