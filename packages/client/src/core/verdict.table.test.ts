/** Every verdict, and all that may change it: whose word holds then (H4, H14). */
import assert from "node:assert/strict";
import test from "node:test";
import type { Allocation } from "@drover/model";
import { mockAlloc } from "@drover/model/testing";
import {
  type HealthVerdict,
  heardVerdict,
  isRevocable,
  isRevoked,
  lostVerdict,
  ownVerdict,
} from "./verdict.ts";

const NOW = 5_000;
const DEPLOYMENT = { deploymentId: "d" };
const undecided: HealthVerdict = { ...DEPLOYMENT, healthy: null, at: 0 };
const own = (healthy: boolean) => ownVerdict(undecided, { ...DEPLOYMENT, healthy, at: 1 });

const VERDICTS = {
  undecided,
  "own healthy": own(true),
  "own unhealthy": own(false),
  revoked: lostVerdict(own(true), { now: NOW, reportSeq: 7 }),
  "servers' healthy": { ...DEPLOYMENT, healthy: true, at: 2 },
} satisfies Record<string, HealthVerdict>;

function word(healthy: boolean | null, more: Partial<Allocation> = {}): Allocation {
  const deploymentStatus = { healthy, timestamp: 3, canary: false, modifyIndex: 9 };
  return mockAlloc({ deploymentId: "d", deploymentStatus, clientSeq: 7, ...more });
}
const BY_OPERATOR = { judgedIn: "d" };

const WORDS = {
  nothing: word(null),
  healthy: word(true),
  "healthy, before the report that took it back": word(true, { clientSeq: 6 }),
  unhealthy: word(false),
  "an operator: healthy": word(true, BY_OPERATOR),
  "an operator, before that report: healthy": word(true, { ...BY_OPERATOR, clientSeq: 6 }),
  "an operator: unhealthy": word(false, BY_OPERATOR),
  "an operator of an earlier deployment: unhealthy": word(false, { judgedIn: "c" }),
} satisfies Record<string, Allocation>;

type Word = keyof typeof WORDS;

const ALWAYS = {
  "an operator: healthy": true,
  "an operator, before that report: healthy": true,
  "an operator: unhealthy": false,
} as const;
/** Complete: the verdict of the servers that is taken over; what is left out changes nothing. */
const TABLE: Readonly<Record<keyof typeof VERDICTS, Partial<Record<Word, boolean>>>> = {
  undecided: {
    ...ALWAYS,
    healthy: true,
    "healthy, before the report that took it back": true,
    unhealthy: false,
    "an operator of an earlier deployment: unhealthy": false,
  },
  "own healthy": ALWAYS,
  "own unhealthy": ALWAYS,
  revoked: {
    ...ALWAYS,
    healthy: true,
    unhealthy: false,
    "an operator of an earlier deployment: unhealthy": false,
  },
  "servers' healthy": ALWAYS,
};

for (const [name, row] of Object.entries(TABLE)) {
  test(`[H4 H14] a verdict "${name}" hears what the table says`, () => {
    for (const [said, alloc] of Object.entries(WORDS)) {
      const heard = heardVerdict(VERDICTS[name as keyof typeof VERDICTS], alloc);
      const want = row[said as Word];
      const taken = want === undefined ? null : { ...DEPLOYMENT, healthy: want, at: 3 };
      assert.deepEqual(heard, taken, `${name}, told ${said}`);
    }
  });
}

test("[H14] only a healthy word of the node's own is taken back, and only in a deployment", () => {
  const revocable = Object.entries(VERDICTS).filter(([, verdict]) => isRevocable(verdict));
  assert.deepEqual(
    revocable.map(([name]) => name),
    ["own healthy"],
  );
  assert.equal(isRevocable({ ...own(true), deploymentId: "" }), false);
});

test("[H14] the first time at which it was taken back is kept, and so is that there is no new word", () => {
  const { revoked } = VERDICTS;
  assert.deepEqual([isRevoked(revoked), revoked.lostSince], [true, NOW]);
  const again = ownVerdict(revoked, { ...DEPLOYMENT, healthy: true, at: 6 });
  assert.equal(isRevoked(again), false);
  assert.equal(lostVerdict(again, { now: NOW + 1, reportSeq: 9 }).lostSince, NOW);
});
