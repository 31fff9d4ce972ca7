import assert from "node:assert/strict";
import test from "node:test";
import { SECOND } from "@drover/base";
import type { ServiceRegistration } from "@drover/model";
import { mockServiceCheck } from "@drover/model/testing";
import type { CheckStatus } from "../service-discovery.ts";
import { aSpec, ManualClock, statusesOf } from "../testing.ts";
import { BuiltinDiscovery } from "./builtin-discovery.ts";

/** The servers, as far as this package sees them. */
class FakeSink {
  readonly stored = new Map<string, ServiceRegistration>();
  failures = 0;
  calls = 0;

  async upsert(registrations: readonly ServiceRegistration[]): Promise<void> {
    this.#call();
    for (const one of registrations) this.stored.set(one.id, one);
  }

  async delete(ids: readonly string[]): Promise<void> {
    this.#call();
    for (const id of ids) this.stored.delete(id);
  }

  #call(): void {
    this.calls++;
    if (this.failures === 0) return;
    this.failures--;
    throw new Error("no leader");
  }
}

interface Stage {
  readonly clock: ManualClock;
  readonly sink: FakeSink;
  readonly discovery: BuiltinDiscovery;
  /** Moments of the probes, in ms since the start. */
  readonly probes: number[];
  /** What probes find from now on. */
  status: CheckStatus;
}

async function onStage(body: (stage: Stage) => Promise<void>): Promise<void> {
  const clock = new ManualClock();
  const began = clock.now();
  const sink = new FakeSink();
  const probes: number[] = [];
  const stage = { clock, sink, probes, status: "passing" as CheckStatus };
  const discovery = new BuiltinDiscovery({
    clock,
    sink,
    probe: async () => {
      probes.push(clock.now() - began);
      return { status: stage.status, output: "probed", statusCode: 200 };
    },
  });
  try {
    await body(Object.assign(stage, { discovery }));
  } finally {
    await discovery.close();
  }
}

const spec = aSpec({
  service: {
    provider: "nomad",
    tags: ["v1"],
    checks: [mockServiceCheck({ interval: 10 * SECOND })],
  },
});

test("a check runs at once, and after a success once per interval", async () => {
  await onStage(async ({ clock, discovery, probes }) => {
    await discovery.register(spec);
    assert.deepEqual(statusesOf(discovery.view(), spec.id), ["pending"]);
    await clock.advance(25_000);
    assert.deepEqual(statusesOf(discovery.view(), spec.id), ["passing"]);
    assert.deepEqual(probes, [0, 10_000, 20_000]);
  });
});

test("until the first success a check is repeated ever more slowly", async () => {
  await onStage(async (stage) => {
    stage.status = "critical";
    await stage.discovery.register(spec);
    await stage.clock.advance(400);
    assert.deepEqual(stage.probes, [0, 50, 150, 350]);
    await stage.clock.advance(40_000);
    const last = stage.probes.slice(-2);
    assert.equal((last[1] ?? 0) - (last[0] ?? 0), 10_000);
  });
});

test("a check that fails after a success keeps its interval", async () => {
  await onStage(async (stage) => {
    await stage.discovery.register(spec);
    await stage.clock.advance(10_000);
    stage.status = "critical";
    await stage.clock.advance(20_000);
    assert.deepEqual(stage.probes, [0, 10_000, 20_000, 30_000]);
    assert.deepEqual(statusesOf(stage.discovery.view(), spec.id), ["critical"]);
  });
});

test("registering again goes on from the last result", async () => {
  await onStage(async ({ clock, discovery }) => {
    await discovery.register(spec);
    await clock.advance(1);
    await discovery.register({ ...spec, tags: ["v2"] });
    assert.deepEqual(statusesOf(discovery.view(), spec.id), ["passing"]);
  });
});

test("subscribers are told of changes only", async () => {
  await onStage(async ({ clock, discovery }) => {
    const seen: string[] = [];
    const unsubscribe = discovery.subscribe((view) => {
      seen.push(statusesOf(view, spec.id).join());
    });
    await discovery.register(spec);
    await clock.advance(1);
    assert.deepEqual(seen, ["pending", "passing"]);
    unsubscribe();
    await discovery.deregister(spec.id, { ackTimeoutMs: 1_000 });
    assert.equal(seen.length, 2);
  });
});

test("the servers hear of a service and of its end", async () => {
  await onStage(async ({ clock, sink, discovery }) => {
    await discovery.register(spec);
    await clock.advance(1);
    assert.deepEqual(sink.stored.get(spec.id), {
      id: spec.id,
      serviceName: "geo-api",
      namespace: "default",
      nodeId: "node-1",
      datacenter: "dc1",
      jobId: "job",
      allocId: "alloc-1",
      tags: ["v1"],
      address: "127.0.0.1",
      port: 20_000,
      createIndex: 0,
      modifyIndex: 0,
    });
    const { confirmed } = await discovery.deregister(spec.id, { ackTimeoutMs: 1_000 });
    assert.equal(confirmed, true);
    assert.equal(sink.stored.size, 0);
    assert.equal(discovery.view().checksByService.size, 0);
  });
});

test("servers that do not answer are told again, and only the newest wish", async () => {
  await onStage(async ({ clock, sink, discovery }) => {
    sink.failures = 3;
    await discovery.register(spec);
    await clock.advance(1);
    await discovery.register({ ...spec, tags: ["v2"] });
    await clock.advance(100 + 200 + 400);
    assert.deepEqual(sink.stored.get(spec.id)?.tags, ["v2"]);
    assert.equal(sink.calls, 4);
  });
});

test("an end that the servers cannot be told of is not confirmed, and told later", async () => {
  await onStage(async ({ clock, sink, discovery }) => {
    await discovery.register(spec);
    await clock.advance(1);
    sink.failures = 1;
    const leaving = await discovery.deregister(spec.id, { ackTimeoutMs: 20 });
    assert.equal(leaving.confirmed, false);
    assert.equal(sink.stored.size, 1);
    await clock.advance(100);
    assert.equal(sink.stored.size, 0);
  });
});

test("an end wished for just when the servers have heard of the beginning is not lost", async () => {
  await onStage(async ({ clock, sink, discovery }) => {
    for (let steps = 0; steps < 12; steps++) {
      await discovery.register(spec);
      for (let i = 0; i < steps; i++) await Promise.resolve();
      const { confirmed } = await discovery.deregister(spec.id, { ackTimeoutMs: 1_000 });
      assert.equal(confirmed, true, `after ${steps} steps`);
      await clock.advance(1);
      assert.equal(sink.stored.size, 0, `after ${steps} steps`);
    }
  });
});

test("results are told in the words of the HTTP API", async () => {
  await onStage(async (stage) => {
    stage.status = "critical";
    const checks = [mockServiceCheck({ onUpdate: "ignore", name: "ready" })];
    const readiness = aSpec({ service: { checks } });
    await stage.discovery.register(readiness);
    const [before] = stage.discovery.checkResults("alloc-1");
    assert.equal(before?.status, "pending");
    assert.equal(before?.output, "nomad: waiting to run");
    await stage.clock.advance(1);
    const [after] = stage.discovery.checkResults("alloc-1");
    assert.deepEqual(after, {
      id: readiness.checks[0]?.id,
      mode: "readiness",
      status: "failure",
      statusCode: 200,
      output: "probed",
      at: stage.clock.now() - 1,
      task: "web",
      service: "geo-api",
      check: "ready",
    });
    assert.deepEqual(stage.discovery.checkResults("another"), []);
  });
});
