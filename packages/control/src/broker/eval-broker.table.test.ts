/** Every place of an evaluation in the broker, and everything that may happen there (SPEC.md). */
import assert from "node:assert/strict";
import test from "node:test";
import { Rule } from "@drover/model";
import { mockEval } from "@drover/model/testing";
import { EvalBroker } from "./eval-broker.ts";

const TYPES = ["service"];
const NOW = 1_000_000;
const DELAY_MS = 1_000;
const LEASE_MS = 60_000;

type Place = "absent" | "ready" | "waiting" | "delayed" | "backing off" | "leased" | "failed";

interface Scene {
  readonly broker: EvalBroker;
  /** Of the lease; "" = nobody has it. */
  readonly token: string;
  readonly now: number;
}

const evaluation = (id: string, waitUntil = 0) =>
  mockEval({ id, jobId: "j", type: "service", waitUntil, createIndex: id === "before" ? 1 : 2 });
const X = evaluation("x");

function scene(steps: (broker: EvalBroker) => { readonly token?: string; readonly now?: number }) {
  const broker = new EvalBroker({ deliveriesMax: 2, nackTimeoutMs: LEASE_MS });
  return { broker, token: "", now: NOW, ...steps(broker) };
}

function lease(broker: EvalBroker, now = NOW): string {
  const taken = broker.dequeue(TYPES, now);
  assert.ok(taken);
  return taken.token;
}

/** "x" in each place. */
const SCENES: Readonly<Record<Place, () => Scene>> = {
  absent: () => scene(() => ({})),
  ready: () =>
    scene((broker) => {
      broker.enqueue(X, NOW);
      return {};
    }),
  waiting: () =>
    scene((broker) => {
      broker.enqueue(evaluation("before"), NOW);
      const token = lease(broker);
      broker.enqueue(X, NOW);
      return { token };
    }),
  delayed: () =>
    scene((broker) => {
      broker.enqueue(evaluation("x", NOW + DELAY_MS), NOW);
      return {};
    }),
  "backing off": () =>
    scene((broker) => {
      broker.enqueue(X, NOW);
      assert.ok(broker.nack("x", lease(broker), NOW));
      return {};
    }),
  leased: () =>
    scene((broker) => {
      broker.enqueue(X, NOW);
      return { token: lease(broker) };
    }),
  failed: () =>
    scene((broker) => {
      broker.enqueue(X, NOW);
      assert.ok(broker.nack("x", lease(broker), NOW));
      const now = NOW + DELAY_MS;
      assert.ok(broker.nack("x", lease(broker, now), now));
      return { now };
    }),
};

const EVENTS = {
  enqueued: ({ broker, now }) => broker.enqueue(X, now),
  "enqueued with its time ahead": ({ broker, now }) =>
    broker.enqueue(evaluation("x", now + DELAY_MS), now),
  "set free": ({ broker, now }) => broker.setFree(X, now),
  "asked for work": ({ broker, now }) => void broker.dequeue(TYPES, now),
  acked: ({ broker, token }) => void broker.ack("x", token),
  nacked: ({ broker, now, token }) => void broker.nack("x", token, now),
  "stale token": ({ broker, now }) => {
    assert.equal(broker.ack("x", "stale"), false);
    assert.equal(broker.nack("x", "stale", now), false);
    assert.equal(broker.extend("x", "stale", now), false);
  },
  forgotten: ({ broker }) => broker.forget("x"),
  "its time comes": ({ broker }) => broker.advance(NOW + DELAY_MS),
  "lease over": ({ broker }) => broker.advance(NOW + LEASE_MS),
  "the one before is done": ({ broker, token }) => void broker.ack("before", token),
} satisfies Record<string, (scene: Scene) => void>;
type Event = keyof typeof EVENTS;

function row(stays: Place, moves: Partial<Record<Event, Place>>): Record<Event, Place> {
  const all = Object.fromEntries(Object.keys(EVENTS).map((event) => [event, stays]));
  return { ...(all as Record<Event, Place>), ...moves };
}

/** Complete: where "x" is after each event. */
const TABLE: Readonly<Record<Place, Record<Event, Place>>> = {
  absent: row("absent", {
    enqueued: "ready",
    "enqueued with its time ahead": "delayed",
    "set free": "ready",
  }),
  ready: row("ready", { "asked for work": "leased", forgotten: "absent" }),
  waiting: row("waiting", { forgotten: "absent", "the one before is done": "ready" }),
  delayed: row("delayed", {
    forgotten: "absent",
    "its time comes": "ready",
    "lease over": "ready",
  }),
  "backing off": row("backing off", {
    forgotten: "absent",
    "its time comes": "ready",
    "lease over": "ready",
  }),
  leased: row("leased", {
    acked: "absent",
    nacked: "backing off",
    "lease over": "backing off",
  }),
  failed: row("failed", { forgotten: "absent" }),
};

const PLACE_OF: Readonly<Partial<Record<Rule, Place>>> = {
  [Rule.evalReady]: "ready",
  [Rule.evalBehind]: "waiting",
  [Rule.evalDelayed]: "delayed",
  [Rule.evalLeased]: "leased",
  [Rule.evalFailing]: "backing off",
};

function placeOf({ broker }: Scene): Place | undefined {
  const reason = broker.why("x");
  if (reason === null) return "absent";
  return broker.stats().failed > 0 ? "failed" : PLACE_OF[reason.rule];
}

for (const [place, expected] of Object.entries(TABLE)) {
  test(`[B1 B4 B5 B6] in place "${place}" every event leads where the table says`, () => {
    for (const [event, want] of Object.entries(expected)) {
      const made = SCENES[place as Place]();
      assert.equal(placeOf(made), place, "the scene is set");
      EVENTS[event as Event](made);
      assert.equal(placeOf(made), want, `${place} + ${event}`);
    }
  });
}

test("[B5] a lease that is given up for the last time has failed", () => {
  for (const end of ["nacked", "lease over"] as const) {
    const { broker } = SCENES["backing off"]();
    const now = NOW + DELAY_MS;
    const token = lease(broker, now);
    if (end === "nacked") broker.nack("x", token, now);
    else broker.advance(now + LEASE_MS);
    assert.equal(placeOf({ broker, token, now }), "failed", end);
    assert.deepEqual(
      broker.takeFailed().map(({ id }) => id),
      ["x"],
    );
    assert.equal(placeOf({ broker, token, now }), "absent", "it is taken out to be written");
  }
});

test("[B7] one set free under its holder's hands is handed out once more, a forgotten one is not", () => {
  const free = SCENES.leased();
  EVENTS["set free"](free);
  EVENTS.acked(free);
  assert.equal(placeOf(free), "ready");
  const forgotten = SCENES.leased();
  EVENTS["set free"](forgotten);
  EVENTS.forgotten(forgotten);
  EVENTS.acked(forgotten);
  assert.equal(placeOf(forgotten), "absent");
});
