/** The clocks of the other servers, asked for when leadership begins (DESIGN §6). */
import assert from "node:assert/strict";
import test from "node:test";
import { DroverError } from "@drover/base";
import { medianOffset } from "./peer-clocks.ts";
import { settled, testServer } from "./testing/test-server.ts";

const HOUR = 3_600_000;

const medians: readonly [string, readonly number[], number][] = [
  ["alone", [0], 0],
  ["within a few seconds", [0, -4_000, -4_500], 0],
  ["ours is ahead", [0, -HOUR, -HOUR + 20], -HOUR + 20],
  ["ours is behind", [0, HOUR, HOUR + 20], HOUR],
  ["one of the others is ahead", [0, HOUR, 20], 0],
  ["one of the others is behind", [0, -HOUR, 20], 0],
  ["of two the one that is behind: not ours", [0, -HOUR], -HOUR],
  ["of two the one that is behind: ours", [0, HOUR], 0],
  ["two of five are off", [0, -HOUR, 10, HOUR, 20], 0],
];

for (const [what, offsets, expected] of medians) {
  test(`the median of the clocks: ${what}`, () => {
    assert.equal(medianOffset(offsets), expected);
  });
}

/** Leads; of the other servers each has a clock that is ahead by so much, or is silent. */
function leading(...others: readonly (number | "silent")[]) {
  const made = testServer();
  const { clock, log } = made;
  for (const [i, ahead] of others.entries()) {
    log.others.set(`s${i}:4647`, () =>
      ahead === "silent"
        ? new Promise<number>(() => undefined)
        : Promise.resolve(clock.now() + ahead),
    );
  }
  log.lead(1);
  return made;
}

/** What the first thing is that the new leader writes. */
const isEstablished = ({ log }: ReturnType<typeof testServer>) =>
  log.commands.some((command) => command.tag === 26);

test("a silent server keeps nobody waiting when most of the clocks agree", async () => {
  const made = leading(300, "silent");
  await settled();
  assert.equal(isEstablished(made), true);
  made.server.close();
});

test("when they do not agree, or none answers, the wait is short", async () => {
  for (const others of [
    [-HOUR, "silent"],
    ["silent", "silent"],
  ] as const) {
    const made = leading(...others);
    await settled();
    assert.equal(isEstablished(made), false);
    await made.clock.advance(200);
    assert.equal(isEstablished(made), true);
    made.server.close();
  }
});

test("time never falls below the replicated time", async () => {
  const made = testServer();
  const { clock, log, server, store } = made;
  made.apply({ tag: 26, clusterId: "cluster-1", epoch: 1 });
  const replicated = store.clock;
  for (const name of ["s1:4647", "s2:4647"]) {
    log.others.set(name, async () => clock.now() - HOUR);
  }
  clock.set(replicated + 60_000);
  log.lead(1);
  await settled();
  assert.equal(server.clock.now(), replicated);
  await clock.advance(1_000);
  assert.equal(server.clock.now(), replicated + 1_000);
  server.close();
});

test("a call that waits for a leader ends at its time, though the cluster's time is set back", async () => {
  const made = testServer();
  const { clock, log, server } = made;
  for (const name of ["s1:4647", "s2:4647"]) {
    log.others.set(name, async () => clock.now() - HOUR);
  }
  let outcome = "waits";
  server.leaderCalls.register("busy", async () => {
    throw new DroverError("busy", "not yet", { retryable: true });
  });
  server.leaderCalls.call("busy", null, "token").catch(() => {
    outcome = "ended";
  });
  await clock.advance(10_000);
  log.lead(1);
  await settled();
  log.follow(1);
  assert.equal(outcome, "waits");
  await clock.advance(10_000);
  assert.equal(outcome, "ended");
  server.close();
});

test("a server answers with the clock of its machine", async () => {
  const made = testServer();
  const peer = await made.router.dispatch("server.clock", null, {} as never);
  assert.equal(peer, made.clock.now());
  made.server.close();
});
