import assert from "node:assert/strict";
import test from "node:test";
import { SECOND } from "@drover/base";
import type { ServiceCheck } from "@drover/model";
import { mockServiceCheck } from "@drover/model/testing";
import type { ProbeResult } from "../builtin/probe.ts";
import { aSpec, ManualClock, statusesOf, untilView } from "../testing.ts";
import { ConsulDiscovery } from "./consul-discovery.ts";
import { FakeConsul } from "./fake-consul.ts";
import { FirstChecks } from "./first-checks.ts";

const OK: ProbeResult = { status: "passing", output: "", statusCode: 200 };
const REFUSED: ProbeResult = { status: "critical", output: "", statusCode: 0 };
const NEVER = new AbortController().signal;

function checksOf(...checks: Partial<ServiceCheck>[]) {
  return aSpec({ service: { checks: checks.map((check) => mockServiceCheck(check)) } }).checks;
}

/** Answers whether the check is told to be passing when it is run here and answers `result`. */
async function isProven(check: Partial<ServiceCheck>, result: ProbeResult): Promise<boolean> {
  const first = new FirstChecks({ clock: new ManualClock(), probe: async () => result });
  return (await first.passing(checksOf(check), NEVER)).size === 1;
}

test("a check that passes here is told to be passing, another is not", async () => {
  assert.equal(await isProven({}, OK), true);
  assert.equal(await isProven({ type: "tcp" }, { ...OK, statusCode: 0 }), true);
  assert.equal(await isProven({}, REFUSED), false);
  assert.equal(await isProven({}, { ...OK, statusCode: 304 }), false, "Consul wants 2xx");
});

test("what Consul judges in another way, or its user has decided, is left to Consul", async () => {
  assert.equal(await isProven({ type: "grpc" }, OK), false);
  assert.equal(await isProven({ type: "script" }, OK), false);
  assert.equal(await isProven({ initialStatus: "warning" }, OK), false);
  assert.equal(await isProven({ successBeforePassing: 2 }, OK), false);
  assert.equal(await isProven({ tlsServerName: "geo" }, OK), false);
});

test("a service that accepts and does not answer holds its registration up for 20 ms", async () => {
  const clock = new ManualClock();
  const first = new FirstChecks({
    clock,
    probe: (_check, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      }),
  });
  let proven: ReadonlySet<string> | null = null;
  const asked = first.passing(checksOf({}), NEVER).then((ids) => {
    proven = ids;
  });
  await clock.advance(19);
  assert.equal(proven, null);
  await clock.advance(1);
  await asked;
  assert.deepEqual(proven, new Set());
});

test("attempts grow apart and end when Consul's own turn comes as soon", async () => {
  const clock = new ManualClock();
  const began = clock.now();
  const at: number[] = [];
  const first = new FirstChecks({
    clock,
    probe: async () => {
      at.push(clock.now() - began);
      return REFUSED;
    },
  });
  const [check] = checksOf({ interval: SECOND });
  assert.ok(check);
  const ended = first.untilPassing(check, NEVER);
  await clock.advance(5_000);
  assert.equal(await ended, false);
  assert.deepEqual(at, [20, 60, 140, 300, 620, 1260]);
});

test("a service that comes up later is passing in the catalog before Consul's turn", async () => {
  const fake = new FakeConsul();
  await fake.up();
  let result = REFUSED;
  const discovery = new ConsulDiscovery(
    { address: fake.address, nodeId: "node-1" },
    { probe: async () => result },
  );
  const spec = aSpec({ service: { checks: [mockServiceCheck()] } });
  try {
    await discovery.register(spec);
    await untilView(discovery, (view) => statusesOf(view, spec.id)[0] === "critical");
    result = OK;
    await untilView(discovery, (view) => statusesOf(view, spec.id)[0] === "passing");
    fake.setStatus(spec.id, "critical");
    await untilView(discovery, (view) => statusesOf(view, spec.id)[0] === "critical");
    const writes = fake.requests.filter((line) => line.includes("register"));
    assert.equal(writes.length, 3, `once passing, Consul judges alone: ${writes}`);
  } finally {
    await discovery.close();
    await fake.down();
  }
});
