import assert from "node:assert/strict";
import test from "node:test";
import { DroverError, errorText } from "@drover/base";
import { mockServiceCheck } from "@drover/model/testing";
import { aSpec, ManualClock, statusesOf, untilView } from "../testing.ts";
import {
  ConsulDiscovery,
  type ConsulDiscoveryDeps,
  type ConsulDiscoveryOptions,
} from "./consul-discovery.ts";
import { FakeConsul } from "./fake-consul.ts";

async function onStage(
  body: (parts: {
    fake: FakeConsul;
    discovery: ConsulDiscovery;
    warnings: string[];
  }) => Promise<void>,
  deps: ConsulDiscoveryDeps = {},
  options: Partial<ConsulDiscoveryOptions> = {},
): Promise<void> {
  const fake = new FakeConsul();
  await fake.up();
  const warnings: string[] = [];
  const discovery = new ConsulDiscovery(
    { address: fake.address, nodeId: "node-1", ...options },
    { ...deps, onWarning: (message, error) => warnings.push(`${message}: ${errorText(error)}`) },
  );
  try {
    await body({ fake, discovery, warnings });
  } finally {
    await discovery.close();
    await fake.down();
  }
}

const spec = aSpec({ service: { checks: [mockServiceCheck()] } });

test("the view follows the catalog of what is registered here, and of nothing else", async () => {
  await onStage(async ({ fake, discovery }) => {
    await discovery.register(spec);
    await untilView(discovery, (view) => statusesOf(view, spec.id)[0] === "critical");
    fake.setStatus(spec.id, "passing");
    const view = await untilView(discovery, (v) => statusesOf(v, spec.id)[0] === "passing");
    assert.deepEqual([...view.checksByService.keys()], [spec.id]);
    const other = new ConsulDiscovery({ address: fake.address, nodeId: "node-2" });
    const theirs = aSpec({
      allocId: "alloc-2",
      nodeId: "node-2",
      service: { checks: [mockServiceCheck()] },
    });
    await other.register(theirs);
    await untilView(other, (v) => statusesOf(v, theirs.id).length === 1);
    assert.deepEqual([...other.view().checksByService.keys()], [theirs.id]);
    assert.deepEqual([...discovery.view().checksByService.keys()], [spec.id]);
    await other.close();
  });
});

test("a gap makes the view invisible, and what Consul forgot is registered again", async () => {
  await onStage(async ({ fake, discovery }) => {
    await discovery.register(spec);
    await untilView(discovery, (view) => view.visible && statusesOf(view, spec.id).length === 1);
    await fake.down();
    await untilView(discovery, (view) => !view.visible);
    fake.forget();
    await fake.up();
    await untilView(discovery, (view) => view.visible && statusesOf(view, spec.id).length === 1);
    assert.ok(fake.services.has(spec.id));
  });
});

test("a registration made while Consul is away arrives as soon as it is back", async () => {
  await onStage(async ({ fake, discovery, warnings }) => {
    await untilView(discovery, (view) => view.visible);
    await fake.down();
    await untilView(discovery, (view) => !view.visible);
    const registering = discovery.register(spec);
    await eventually(() => assert.ok(warnings.some((text) => text.includes("cannot register"))));
    const began = performance.now();
    await fake.up();
    await registering;
    assert.ok(performance.now() - began < 900, "it did not wait for its own next attempt");
    assert.ok(fake.services.has(spec.id));
  });
});

test("a registration that Consul refuses for good is told and not repeated", async () => {
  await onStage(async ({ fake, discovery }) => {
    fake.refuseWith = 400;
    await assert.rejects(discovery.register(spec), (error) => {
      assert.ok(error instanceof DroverError);
      assert.equal(error.code, "consul-refused");
      assert.equal(error.retryable, false);
      return true;
    });
    const puts = fake.requests.filter((line) => line.startsWith("PUT"));
    assert.equal(puts.length, 1);
  });
});

test("a busy Consul is asked again after 1, 2, 4 … at most 30 seconds", async () => {
  const clock = new ManualClock();
  await onStage(
    async ({ fake, discovery }) => {
      await untilView(discovery, (view) => view.visible);
      fake.refuseWith = 503;
      const registering = discovery.register(spec);
      const puts = () => fake.requests.filter((line) => line.startsWith("PUT")).length;
      const expected = [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000];
      for (const [i, pauseMs] of expected.entries()) {
        await clock.advance(pauseMs - 1);
        await eventually(() => assert.equal(puts(), i + 1));
        await clock.advance(1);
        await eventually(() => assert.equal(puts(), i + 2));
      }
      fake.refuseWith = 0;
      await clock.advance(30_000);
      await registering;
    },
    { clock },
  );
});

test("a service that is not wanted any more is not registered late", async () => {
  await onStage(async ({ fake, discovery }) => {
    await untilView(discovery, (view) => view.visible);
    fake.refuseWith = 503;
    const registering = discovery.register(spec);
    await eventually(() => assert.ok(fake.requests.some((line) => line.includes("/register"))));
    fake.refuseWith = 0;
    const { confirmed } = await discovery.deregister(spec.id, { ackTimeoutMs: 5_000 });
    await registering;
    assert.equal(confirmed, true);
    assert.equal(fake.services.has(spec.id), false);
  });
});

test("a registration that is under way is answered before its service leaves", async () => {
  await onStage(async ({ fake, discovery }) => {
    await discovery.register(spec);
    let open = (): void => undefined;
    fake.registerGate = new Promise((resolve) => {
      open = resolve;
    });
    const again = discovery.register({ ...spec, tags: ["v2"] });
    const sent = () => fake.requests.filter((line) => line.includes("/register")).length;
    await eventually(() => assert.equal(sent(), 2));
    const leaving = discovery.deregister(spec.id, { ackTimeoutMs: 5_000 });
    // Time enough for a departure that does not wait.
    for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
    open();
    assert.deepEqual(await leaving, { confirmed: true });
    await again;
    assert.equal(fake.services.has(spec.id), false);
  });
});

test("a departure that the catalog does not show in time is not confirmed", async () => {
  await onStage(async ({ fake, discovery }) => {
    await discovery.register(spec);
    fake.catalogLags = true;
    const { confirmed } = await discovery.deregister(spec.id, { ackTimeoutMs: 100 });
    assert.equal(confirmed, false);
    assert.equal(fake.services.has(spec.id), false);
    assert.equal(discovery.view().checksByService.has(spec.id), false);
  });
});

test("a departure that could not be told is told later", async () => {
  await onStage(async ({ fake, discovery }) => {
    await discovery.register(spec);
    fake.refuseWith = 500;
    const { confirmed } = await discovery.deregister(spec.id, { ackTimeoutMs: 50 });
    assert.equal(confirmed, false);
    fake.refuseWith = 0;
    await eventually(() => assert.equal(fake.services.has(spec.id), false));
  });
});

test("a history that begins anew is followed from its beginning", async () => {
  await onStage(async ({ fake, discovery }) => {
    await discovery.register(spec);
    await untilView(discovery, (view) => statusesOf(view, spec.id).length === 1);
    await eventually(() => {
      const last = fake.requests.findLast((line) => line.includes("/health/node"));
      assert.match(last ?? "", new RegExp(`index=${fake.index}&`));
    });
    fake.index = 3;
    fake.setStatus(spec.id, "warning");
    await untilView(discovery, (view) => statusesOf(view, spec.id)[0] === "warning");
    await eventually(() => {
      const after = fake.requests.slice(-2).filter((line) => line.includes("/health/node"));
      assert.match(after.at(-1) ?? "", /node\/fake\?index=4&/);
      assert.match(after.at(-2) ?? "", /node\/fake$/);
    });
  });
});

test("only registrations of this node that nobody keeps are removed", async () => {
  await onStage(async ({ fake, discovery }) => {
    const left = aSpec({ allocId: "left" });
    const kept = aSpec({ allocId: "kept" });
    for (const one of [left, kept]) {
      fake.services.set(one.id, { ID: one.id, Meta: {}, Checks: [] });
    }
    fake.services.set("by-hand", { ID: "by-hand", Meta: {}, Checks: [] });
    await discovery.register(spec);
    assert.deepEqual(await discovery.reconcile(new Set([kept.id])), [left.id]);
    assert.deepEqual([...fake.services.keys()].sort(), [kept.id, "by-hand", spec.id].sort());
    const asked = fake.requests.find((line) => line.includes("/agent/services?filter="));
    assert.match(decodeURIComponent(asked ?? ""), /Meta\["drover-node"\] == "node-1"/);
  });
});

test("nothing unknown is removed in the first minute", async () => {
  const clock = new ManualClock();
  await onStage(
    async ({ fake, discovery }) => {
      await untilView(discovery, (view) => view.visible);
      const left = aSpec({ allocId: "left" });
      fake.services.set(left.id, { ID: left.id, Meta: {}, Checks: [] });
      await clock.advance(59_999);
      assert.ok(fake.services.has(left.id));
      await clock.advance(1);
      await eventually(() => assert.equal(fake.services.has(left.id), false));
    },
    { clock },
  );
});

test("a script's exit code becomes the state of its check", async () => {
  const codes = [0, 1, 2];
  const clock = new ManualClock();
  await onStage(
    async ({ fake, discovery }) => {
      const script = mockServiceCheck({ type: "script", command: "/check" });
      const one = aSpec({ service: { checks: [script] } });
      await discovery.register(one);
      for (const status of ["passing", "warning", "critical"]) {
        await eventually(() => assert.equal(updates(fake).at(-1), status));
        await clock.advance(1_000);
      }
      await discovery.deregister(one.id, { ackTimeoutMs: 1_000 });
      const before = updates(fake).length;
      await clock.advance(10_000);
      assert.equal(updates(fake).length, before);
    },
    { clock, runScript: async () => ({ exitCode: codes.shift() ?? 2, output: "said" }) },
  );
});

/** A Consul that accepts and never answers must hold up nothing for ever. */
const IMPATIENT = { callTimeoutMs: 50 };

test("a registration that Consul never answers is broken off, said and repeated", async () => {
  await onStage(
    async ({ fake, discovery, warnings }) => {
      fake.silentOn = /service\/register/;
      const registering = discovery.register(spec);
      await eventually(() => assert.match(warnings.join(), /cannot register .* no answer within/));
      assert.match(discovery.trouble(spec.id), /register.*no answer within 50 ms/);
      fake.silentOn = null;
      await registering;
      assert.equal(discovery.trouble(spec.id), "");
    },
    {},
    IMPATIENT,
  );
});

test("a departure that Consul never answers is broken off, said and repeated", async () => {
  await onStage(
    async ({ fake, discovery, warnings }) => {
      await discovery.register(spec);
      fake.silentOn = /service\/deregister/;
      const leaving = discovery.deregister(spec.id, { ackTimeoutMs: 5_000 });
      await eventually(() => assert.match(warnings.join(), /cannot deregister/));
      assert.match(discovery.trouble(spec.id), /no answer within 50 ms/);
      fake.silentOn = null;
      assert.deepEqual(await leaving, { confirmed: true });
      assert.equal(discovery.trouble(spec.id), "");
    },
    {},
    IMPATIENT,
  );
});

test("a departure that Consul carries out and never answers is confirmed all the same", async () => {
  await onStage(
    async ({ fake, discovery, warnings }) => {
      await discovery.register(spec);
      fake.muteOn = /service\/deregister/;
      const leaving = discovery.deregister(spec.id, { ackTimeoutMs: 5_000 });
      await eventually(() => assert.match(warnings.join(), /cannot deregister/));
      fake.muteOn = null;
      assert.deepEqual(await leaving, { confirmed: true });
    },
    {},
    IMPATIENT,
  );
});

test("a registration that was given up on and takes effect after the departure is removed", async () => {
  await onStage(
    async ({ fake, discovery, warnings }) => {
      await untilView(discovery, (view) => view.visible);
      let open = (): void => undefined;
      fake.registerGate = new Promise((resolve) => {
        open = resolve;
      });
      const registering = discovery.register(spec);
      await eventually(() => assert.match(warnings.join(), /cannot register/));
      assert.deepEqual(await discovery.deregister(spec.id, { ackTimeoutMs: 5_000 }), {
        confirmed: true,
      });
      await registering;
      const before = fake.requests.length;
      open();
      await eventually(() => {
        const since = fake.requests.slice(before).join();
        assert.match(since, /service\/deregister/);
        assert.equal(fake.services.has(spec.id), false);
      });
    },
    {},
    IMPATIENT,
  );
});

for (const [what, effect] of [
  ["is lost", "silentOn"],
  ["takes effect", "muteOn"],
] as const) {
  test(`a check whose removal Consul never answers, and ${what}, is proven all the same`, async () => {
    let passes = false;
    await onStage(
      async ({ fake, discovery, warnings }) => {
        fake[effect] = /check\/deregister/;
        await discovery.register(spec);
        passes = true;
        await eventually(() => assert.match(warnings.join(), /no answer within/));
        fake[effect] = null;
        await untilView(discovery, (view) => statusesOf(view, spec.id)[0] === "passing");
      },
      {
        probe: async () => {
          const [status, statusCode] = passes
            ? (["passing", 200] as const)
            : (["critical", 500] as const);
          return { status, statusCode, output: "" };
        },
      },
      IMPATIENT,
    );
  });
}

test("neither looking at what is registered nor the end waits for a Consul that never answers", async () => {
  await onStage(
    async ({ fake, discovery, warnings }) => {
      await discovery.register(spec);
      fake.silentOn = /./;
      await assert.rejects(discovery.reconcile(new Set()), /no answer within 50 ms/);
      assert.deepEqual(await discovery.fingerprint(), {});
      await discovery.deregister(spec.id, { ackTimeoutMs: 100 });
      await eventually(() => assert.match(warnings.join(), /cannot deregister/));
    },
    {},
    IMPATIENT,
  );
});

test("the end does not wait for a call that is under way", { timeout: 2_500 }, async () => {
  await onStage(async ({ fake, discovery }) => {
    await discovery.register(spec);
    fake.silentOn = /./;
    await discovery.deregister(spec.id, { ackTimeoutMs: 20 });
  });
});

function updates(fake: FakeConsul): string[] {
  return fake.updates.map((update) => update.Status);
}

async function eventually(check: () => void): Promise<void> {
  const deadline = performance.now() + 5_000;
  for (;;) {
    try {
      check();
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}
