/** The checker finds each thing that a leader must not do about its members. */
import assert from "node:assert/strict";
import test from "node:test";
import { emptyConf, encodeConf } from "../../core/conf-state.ts";
import type { MemberId } from "../../core/types.ts";
import { EntryKind } from "../../core/types.ts";
import type { SimMember } from "../member.ts";
import { Trace } from "../trace.ts";
import type { UpkeepTruth } from "../upkeep-settings.ts";
import { Watch } from "../watch.ts";
import type { MemberView } from "./checker.ts";
import { UpkeepSteps } from "./upkeep-steps.ts";

const HOUR = 3_600_000;

/** `a` leads a, b, c at term 2, commit 100; c is away for an hour unless told otherwise. */
function step(to: readonly MemberId[], truth: Partial<UpkeepTruth> = {}, has = 100): void {
  const watch = new Watch(new Trace(() => 0, false));
  const entries = Array.from({ length: has }, (_, i) => ({
    index: i + 1,
    term: 2,
    kind: EntryKind.normal,
    data: new Uint8Array(1),
  }));
  watch.booted("d", { hardState: null, snapshot: null, entries });
  const view = { id: "a", role: "leader", term: 2, commit: 100 } as unknown as MemberView;
  const members = new Map([["a", { view: () => view } as unknown as SimMember]]);
  const away = (id: MemberId) => id === "c";
  const checker = new UpkeepSteps(
    { members, watch },
    {
      isDown: away,
      silenceOf: (id) => (away(id) ? HOUR : 0),
      levelOf: () => 2,
      ...truth,
    },
  );
  const conf = {
    ...emptyConf,
    level: 2,
    voters: to,
    votersOutgoing: ["a", "b", "c"],
    autoLeave: true,
  };
  const entry = { index: 101, term: 2, kind: EntryKind.config, data: encodeConf(conf) };
  checker.issued("a", { seq: 1, hardState: null, entries: [entry], snapshot: null });
}

test("a dead voter and a live standby may change places", () => {
  step(["a", "b", "d"]);
});

test("what must not be is found", () => {
  assert.throws(() => step(["a", "b"]), /an even number/);
  assert.throws(() => step(["a"]), /too few are left/);
  const gone = { isDown: (id: MemberId) => id === "c" || id === "d" || id === "e" };
  assert.throws(() => step(["a", "b", "c", "d", "e"], gone), /a smaller margin/);
  assert.throws(() => step(["a", "c", "d"]), /b was silent for 0 ms only|smaller margin/);
  const heard = { silenceOf: () => 300 };
  assert.throws(() => step(["a", "b", "d"], heard), /c was silent for 300 ms only/);
  assert.throws(() => step(["a", "b", "d"], gone), /d is down/);
  const older = { levelOf: (id: MemberId) => (id === "d" ? 1 : 2) };
  assert.throws(() => step(["a", "b", "d"], older), /d knows level 1, and the cluster is at 2/);
  assert.throws(() => step(["a", "b", "d"], {}, 20), /d has 20 of 100/);
});
