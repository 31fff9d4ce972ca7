import assert from "node:assert/strict";
import test from "node:test";
import { type Evaluation, Rule } from "@drover/model";
import { mockEval } from "@drover/model/testing";
import fc from "fast-check";
import type { Lease } from "../contracts.ts";
import { EvalBroker } from "./eval-broker.ts";

const TYPES = ["service", "batch", "system", "sysbatch"];

function pending(id: string, over: Partial<Evaluation> = {}): Evaluation {
  return mockEval({ id, jobId: id, createIndex: 10, modifyIndex: 10, ...over });
}

function take(broker: EvalBroker, now = 0): Lease {
  const lease = broker.dequeue(TYPES, now);
  assert.ok(lease, "something is ready");
  return lease;
}

const idOf = (lease: Lease | null) => lease?.evaluation.id ?? null;

test("[B2] §6.1 higher priority first, then the older one", () => {
  const broker = new EvalBroker();
  broker.enqueue(pending("late", { createIndex: 12 }), 0);
  broker.enqueue(pending("early", { createIndex: 11 }), 0);
  broker.enqueue(pending("urgent", { priority: 90, createIndex: 13 }), 0);
  assert.deepEqual(
    [0, 0, 0].map(() => idOf(take(broker))),
    ["urgent", "early", "late"],
  );
  assert.equal(broker.dequeue(TYPES, 0), null);
});

test("a worker gets the scheduler types it asks for", () => {
  const broker = new EvalBroker();
  broker.enqueue(pending("b", { type: "batch" }), 0);
  assert.equal(broker.dequeue(["service"], 0), null);
  assert.equal(idOf(broker.dequeue(["batch"], 0)), "b");
});

test("[B1 B3] §6.1 one evaluation of a job at a time; the newest runs next and the rest are superseded", () => {
  const broker = new EvalBroker();
  const one = (id: string, modifyIndex: number, priority = 50) =>
    broker.enqueue(pending(id, { jobId: "j", modifyIndex, priority }), 0);
  one("a", 1);
  one("b", 2);
  one("d", 4);
  one("c", 3);
  const lease = take(broker);
  assert.equal(idOf(lease), "a");
  assert.equal(broker.dequeue(TYPES, 0), null);
  assert.deepEqual(broker.takeSuperseded(), []);
  assert.ok(broker.ack("a", lease.token));
  assert.deepEqual(
    broker
      .takeSuperseded()
      .map((e) => e.id)
      .sort(),
    ["b", "c"],
  );
  assert.equal(idOf(take(broker)), "d");
});

test("§6.1 of those that waited, the highest priority runs next", () => {
  const broker = new EvalBroker();
  broker.enqueue(pending("a", { jobId: "j" }), 0);
  broker.enqueue(pending("b", { jobId: "j", priority: 80, modifyIndex: 1 }), 0);
  broker.enqueue(pending("c", { jobId: "j", priority: 50, modifyIndex: 9 }), 0);
  broker.ack("a", take(broker).token);
  assert.equal(idOf(take(broker)), "b");
});

test("jobs of the same name in two namespaces do not wait for each other", () => {
  const broker = new EvalBroker();
  broker.enqueue(pending("a", { jobId: "j" }), 0);
  broker.enqueue(pending("b", { jobId: "j", namespace: "team" }), 0);
  take(broker);
  take(broker);
});

test("an evaluation is known by its id: enqueued twice it runs once", () => {
  const broker = new EvalBroker();
  broker.enqueue(pending("a"), 0);
  broker.enqueue(pending("a"), 0);
  const lease = take(broker);
  broker.enqueue(pending("a"), 0);
  broker.ack("a", lease.token);
  assert.equal(broker.dequeue(TYPES, 0), null);
});

test("one that is set free while it is worked on runs once more", () => {
  const broker = new EvalBroker();
  broker.enqueue(pending("a"), 0);
  const first = take(broker);
  // Its holder is about to write that it waits on; the capacity has come since it looked.
  broker.setFree(pending("a"), 0);
  broker.ack("a", first.token);
  const second = take(broker);
  assert.deepEqual([second.evaluation.id, second.attempt], ["a", 1]);
  broker.setFree(pending("a"), 0);
  broker.forget("a");
  broker.ack("a", second.token);
  assert.equal(broker.dequeue(TYPES, 0), null, "it has ended meanwhile");
});

test("one that waits for a time is not ready before, and wakes the loop then", () => {
  const broker = new EvalBroker();
  broker.enqueue(pending("a", { waitUntil: 1000 }), 0);
  assert.equal(broker.wakeAt(), 1000);
  assert.equal(broker.dequeue(TYPES, 999), null);
  assert.equal(idOf(broker.dequeue(TYPES, 1000)), "a");
});

test("§9.2 a nacked one comes back after 1 s, then 20 s, and fails at the third delivery", () => {
  const broker = new EvalBroker();
  broker.enqueue(pending("a"), 0);
  broker.nack("a", take(broker, 0).token, 0);
  assert.equal(broker.wakeAt(), 1000);
  assert.equal(broker.dequeue(TYPES, 999), null);
  const second = take(broker, 1000);
  assert.equal(second.attempt, 2);
  broker.nack("a", second.token, 1000);
  assert.equal(broker.wakeAt(), 21_000);
  broker.nack("a", take(broker, 21_000).token, 21_000);
  assert.equal(broker.dequeue(TYPES, 1e9), null);
  assert.deepEqual(
    broker.takeFailed().map((e) => e.id),
    ["a"],
  );
  assert.deepEqual(broker.takeFailed(), []);
});

test("a failed one leaves its job to the next", () => {
  const broker = new EvalBroker({ deliveriesMax: 1 });
  broker.enqueue(pending("a", { jobId: "j" }), 0);
  broker.enqueue(pending("b", { jobId: "j" }), 0);
  broker.nack("a", take(broker).token, 0);
  broker.takeFailed();
  assert.equal(idOf(take(broker)), "b");
});

test("§9.2 a lease runs out after 60 s, and its late holder is turned away", () => {
  const broker = new EvalBroker();
  broker.enqueue(pending("a"), 0);
  const lease = take(broker, 0);
  assert.equal(broker.wakeAt(), 60_000);
  assert.ok(broker.isLeased("a", lease.token));
  broker.advance(60_000);
  assert.ok(!broker.isLeased("a", lease.token));
  assert.ok(!broker.ack("a", lease.token));
  assert.equal(take(broker, 61_000).attempt, 2);
});

test("a lease that is extended has its whole time again", () => {
  const broker = new EvalBroker();
  broker.enqueue(pending("a"), 0);
  const lease = take(broker, 0);
  assert.ok(broker.extend("a", lease.token, 50_000));
  broker.advance(60_000);
  assert.ok(broker.isLeased("a", lease.token));
  assert.ok(!broker.extend("a", "other", 0));
});

test("one that ended otherwise is forgotten wherever it waits", () => {
  const broker = new EvalBroker();
  broker.enqueue(pending("ready", { jobId: "j" }), 0);
  broker.enqueue(pending("waiting", { jobId: "j" }), 0);
  broker.enqueue(pending("delayed", { waitUntil: 5 }), 0);
  broker.forget("ready");
  broker.forget("delayed");
  broker.forget("unknown");
  assert.equal(idOf(take(broker, 10)), "waiting");
  assert.equal(broker.dequeue(TYPES, 10), null);
  assert.deepEqual(broker.stats(), { ready: 0, waiting: 0, delayed: 0, leased: 1, failed: 0 });
});

const action = fc.tuple(fc.nat(5), fc.nat(30), fc.nat(2));

test("no evaluation is lost, none runs beside another of its job", () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 120, size: "max" }), (actions) => {
      const broker = new EvalBroker({ deliveriesMax: 1000 });
      const open = new Set<string>();
      const leases: Lease[] = [];
      let now = 0;
      let made = 0;
      const settle = () => {
        for (const { id } of broker.takeSuperseded()) assert.ok(open.delete(id));
      };
      const finish = (index: number) => {
        const [lease] = leases.splice(index, 1);
        if (lease && broker.ack(lease.evaluation.id, lease.token)) open.delete(lease.evaluation.id);
        settle();
      };
      for (const [kind, a, job] of actions) {
        now += a * 500;
        if (kind <= 1) {
          made += 1;
          const waitUntil = a % 4 === 0 ? now + a * 1000 : 0;
          broker.enqueue(pending(`e${made}`, { jobId: `j${job}`, priority: a, waitUntil }), now);
          open.add(`e${made}`);
        } else if (kind === 2) {
          const lease = broker.dequeue(TYPES, now);
          if (lease) leases.push(lease);
        } else if (kind === 3 && leases.length > 0) {
          const [lease] = leases.splice(a % leases.length, 1);
          if (lease) broker.nack(lease.evaluation.id, lease.token, now);
        } else if (leases.length > 0) finish(a % leases.length);
        const held = leases.filter((l) => broker.isLeased(l.evaluation.id, l.token));
        assert.equal(new Set(held.map((l) => l.evaluation.jobId)).size, held.length);
      }
      leases.length = 0;
      for (let i = 0; i < 2000 && open.size > 0; i++) {
        now = Math.max(now, broker.wakeAt() ?? now);
        const lease = broker.dequeue(TYPES, now);
        if (lease) leases.push(lease);
        while (leases.length > 0) finish(0);
      }
      assert.deepEqual([...open], []);
    }),
    { numRuns: 100 },
  );
});

test("I4 wherever an evaluation is, the broker says why it is there and until when", () => {
  const broker = new EvalBroker({ deliveriesMax: 2, nackTimeoutMs: 60_000, firstNackDelayMs: 500 });
  const why = (id: string) => {
    const reason = broker.why(id);
    return reason && [reason.rule, reason.wakesAt];
  };
  broker.enqueue(pending("a", { jobId: "j" }), 0);
  broker.enqueue(pending("b", { jobId: "j" }), 0);
  broker.enqueue(pending("later", { waitUntil: 90_000 }), 0);
  assert.deepEqual(why("a"), [Rule.evalReady, null]);
  assert.deepEqual(why("b"), [Rule.evalBehind, null]);
  assert.deepEqual(broker.why("b")?.waitsFor[0]?.id, "a");
  assert.deepEqual(why("later"), [Rule.evalDelayed, 90_000]);
  const first = take(broker);
  assert.deepEqual(why("a"), [Rule.evalLeased, 60_000]);
  broker.nack("a", first.token, 1_000);
  assert.deepEqual(why("a"), [Rule.evalFailing, 1_500]);
  const second = take(broker, 1_500);
  broker.nack("a", second.token, 2_000);
  assert.equal(why("a")?.[0], Rule.evalFailing);
  assert.equal(why("stranger"), null);
});
