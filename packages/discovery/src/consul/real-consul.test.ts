/** Against a Consul agent that runs already; CONSUL_HTTP_ADDR says where. */
import assert from "node:assert/strict";
import http from "node:http";
import test from "node:test";
import { SECOND } from "@drover/base";
import { mockServiceCheck } from "@drover/model/testing";
import { aSpec, statusesOf, untilView } from "../testing.ts";
import { ConsulDiscovery } from "./consul-discovery.ts";
import { ConsulHttp } from "./http.ts";

const ADDRESS = process.env.CONSUL_HTTP_ADDR ?? "127.0.0.1:8500";
const consul = new ConsulHttp({ address: ADDRESS, token: "" });

async function get(path: string): Promise<unknown> {
  const { signal } = new AbortController();
  return (await consul.request({ method: "GET", path, timeoutMs: 5_000, signal })).body;
}

const reachable = await get("/agent/self").then(
  () => true,
  () => false,
);
if (reachable) defineTests();
else console.log(`discovery: tests on a real Consul skipped: none at ${ADDRESS}`);

/** Ids of one run, so that two runs on one Consul do not meet. */
const run = `${process.pid}-${Math.floor(performance.now())}`;

interface Stage {
  readonly discovery: ConsulDiscovery;
  readonly nodeId: string;
  readonly port: number;
  /** What the service answers from now on. */
  answerWith(status: number): void;
}

async function onStage(body: (stage: Stage) => Promise<void>): Promise<void> {
  let status = 200;
  const server = http.createServer((_request, answer) => answer.writeHead(status).end("body"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const nodeId = `test-node-${run}`;
  const discovery = new ConsulDiscovery(
    { address: ADDRESS, nodeId },
    { runScript: async () => ({ exitCode: 0, output: "fine" }) },
  );
  const answerWith = (next: number) => {
    status = next;
  };
  try {
    const { port } = server.address() as { port: number };
    await body({ discovery, nodeId, port, answerWith });
  } finally {
    await discovery.close();
    const cleaner = new ConsulDiscovery({ address: ADDRESS, nodeId });
    await cleaner.reconcile(new Set());
    await cleaner.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

function specOf(stage: Stage, name: string, check: Parameters<typeof mockServiceCheck>[0] = {}) {
  return aSpec({
    allocId: `${name}-${run}`,
    nodeId: stage.nodeId,
    port: stage.port,
    service: {
      name: `svc-${name}-${run}`,
      tags: ["v1"],
      meta: { a: "1" },
      weights: { passing: 3, warning: 2 },
      checks: [mockServiceCheck(check)],
    },
  });
}

function defineTests(): void {
  test("consul: what answers its check is passing at once, not in its turn", async () => {
    await onStage(async (stage) => {
      const { discovery } = stage;
      // Consul's own first run comes at a random moment of this minute.
      const spec = specOf(stage, "at-once", { interval: 60 * SECOND });
      stage.answerWith(503);
      await discovery.register(spec);
      await untilView(discovery, (view) => statusesOf(view, spec.id)[0] === "critical");
      stage.answerWith(200);
      await untilView(discovery, (view) => statusesOf(view, spec.id)[0] === "passing");
      const ready = specOf(stage, "ready", { interval: 60 * SECOND });
      await discovery.register(ready);
      await untilView(discovery, (view) => statusesOf(view, ready.id)[0] === "passing");
    });
  });

  test("consul: a service becomes passing, then critical, and its output is seen", async () => {
    await onStage(async (stage) => {
      const { discovery } = stage;
      const spec = specOf(stage, "states");
      await discovery.register(spec);
      await untilView(discovery, (view) => statusesOf(view, spec.id)[0] === "passing");
      stage.answerWith(503);
      const view = await untilView(discovery, (v) => statusesOf(v, spec.id)[0] === "critical");
      const [check] = view.checksByService.get(spec.id) ?? [];
      assert.equal(check?.name, spec.checks[0]?.name);
      assert.equal(check?.id, spec.checks[0]?.id);
      assert.equal(check?.statusCode, 503);
      assert.match(check?.output ?? "", /body/);
    });
  });

  test("consul: registering again changes tags and keeps a passing check passing", async () => {
    await onStage(async (stage) => {
      const { discovery } = stage;
      const spec = specOf(stage, "again");
      await discovery.register(spec);
      await untilView(discovery, (view) => statusesOf(view, spec.id)[0] === "passing");
      const states = new Set<string>();
      const unsubscribe = discovery.subscribe((view) => {
        for (const status of statusesOf(view, spec.id)) states.add(status);
      });
      await discovery.register({ ...spec, tags: ["v2"] });
      await untilCatalog(spec.name, (entries) => entries[0]?.ServiceTags[0] === "v2");
      unsubscribe();
      assert.equal(states.has("critical"), false, "it was never critical in between");
    });
  });

  test("consul: what is registered is what consumers find", async () => {
    await onStage(async (stage) => {
      const spec = specOf(stage, "entry");
      await stage.discovery.register(spec);
      const [entry] = await untilCatalog(spec.name, (entries) => entries.length === 1);
      assert.equal(entry?.ServiceAddress, "127.0.0.1");
      assert.equal(entry?.ServicePort, stage.port);
      assert.deepEqual(entry?.ServiceWeights, { Passing: 3, Warning: 2 });
      assert.deepEqual(entry?.ServiceMeta, {
        a: "1",
        "external-source": "drover",
        "drover-node": stage.nodeId,
      });
    });
  });

  test("consul: a departure is confirmed when consumers do not find it any more", async () => {
    await onStage(async (stage) => {
      const withCheck = specOf(stage, "gone");
      const without = { ...specOf(stage, "plain"), checks: [] };
      for (const spec of [withCheck, without]) {
        await stage.discovery.register(spec);
        await untilCatalog(spec.name, (entries) => entries.length === 1);
        const began = performance.now();
        const { confirmed } = await stage.discovery.deregister(spec.id, { ackTimeoutMs: 5_000 });
        assert.equal(confirmed, true);
        assert.ok(performance.now() - began < 2_000);
        assert.deepEqual(await get(`/catalog/service/${spec.name}`), []);
      }
    });
  });

  test("consul: another node's services are left alone, also after our restart", async () => {
    await onStage(async (stage) => {
      const spec = specOf(stage, "mine");
      await stage.discovery.register(spec);
      const other = new ConsulDiscovery({ address: ADDRESS, nodeId: `other-${run}` });
      assert.deepEqual(await other.reconcile(new Set()), []);
      await other.close();
      const restarted = new ConsulDiscovery({ address: ADDRESS, nodeId: stage.nodeId });
      assert.deepEqual(await restarted.reconcile(new Set([spec.id])), []);
      assert.deepEqual(await restarted.reconcile(new Set()), [spec.id]);
      await restarted.close();
    });
  });

  test("consul: a script's result keeps its check alive", async () => {
    await onStage(async (stage) => {
      const spec = specOf(stage, "script");
      const [check] = spec.checks;
      assert.ok(check !== undefined);
      const script = { ...check.definition, type: "script", command: "/check" };
      await stage.discovery.register({ ...spec, checks: [{ ...check, definition: script }] });
      await untilView(stage.discovery, (view) => statusesOf(view, spec.id)[0] === "passing");
    });
  });

  test("consul: the agent's attributes are read", async () => {
    await onStage(async (stage) => {
      const attributes = await stage.discovery.fingerprint();
      assert.match(attributes["consul.version"] ?? "", /^\d+\.\d+\.\d+/);
      assert.ok(attributes["consul.datacenter"] !== undefined);
    });
  });
}

interface CatalogEntry {
  readonly ServiceAddress: string;
  readonly ServicePort: number;
  readonly ServiceTags: readonly string[];
  readonly ServiceMeta: Readonly<Record<string, string>>;
  readonly ServiceWeights: Readonly<Record<string, number>>;
}

async function untilCatalog(
  name: string,
  accept: (entries: readonly CatalogEntry[]) => boolean,
): Promise<readonly CatalogEntry[]> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const entries = (await get(`/catalog/service/${name}`)) as readonly CatalogEntry[];
    if (accept(entries)) return entries;
    assert.ok(
      performance.now() < deadline,
      `the catalog never showed it: ${JSON.stringify(entries)}`,
    );
  }
}
