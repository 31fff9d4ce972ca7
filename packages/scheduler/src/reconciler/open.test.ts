/** What must not compile: a pass that leaves something undone and does not say why. */
import assert from "node:assert/strict";
import test from "node:test";
import { type Allocation, Rule } from "@drover/model";
import { mockAlloc, mockTaskGroup } from "@drover/model/testing";
import { endOf } from "../slices.ts";
import { triageDeployment } from "./deployment-step.ts";
import { type Acted, Draft } from "./draft.ts";
import type { GroupAccount } from "./group.ts";
import { type Closed, Open, type Outcome } from "./open.ts";
import type { SystemAccount } from "./system.ts";
import type { Updates } from "./updates.ts";
import { HeldBy, Holds, whyPairWaits } from "./why-group.ts";

type Fits<T, U> = T extends U ? true : false;
type Decide = Parameters<Open<"pairs", Allocation>["close"]>[1];

test("[W2] a branch that neither acts nor says what holds it does not compile", () => {
  const silent: Fits<(one: Allocation) => void, Decide> = false;
  const halfSilent: Fits<(one: Allocation) => Acted | undefined, Decide> = false;
  const sayingNo: Fits<(one: Allocation) => boolean, Decide> = false;
  const forged: Fits<Record<string, true>, Acted> = false;
  const unknown: Fits<"because", Outcome> = false;
  const held: Fits<(one: Allocation) => Acted | HeldBy, Decide> = true;
  assert.deepEqual(
    [silent, halfSilent, sayingNo, forged, unknown, held],
    [false, false, false, false, false, true],
  );
});

test("[W2] a pass that leaves a step out does not compile", () => {
  const without: Fits<Omit<GroupAccount, "leaving">, GroupAccount> = false;
  const swapped: Fits<Closed<"pairs">, Closed<"missing">> = false;
  const forged: Fits<{ readonly step: "pairs"; readonly size: 0 }, Closed<"pairs">> = false;
  const unsettled: Fits<Open<"pairs", Allocation>, Closed<"pairs">> = false;
  const unlisted: Fits<readonly Allocation[], Updates["outdated"]> = false;
  const system: Fits<Omit<SystemAccount, "outdated">, SystemAccount> = false;
  assert.deepEqual(
    [without, swapped, forged, unsettled, unlisted, system],
    [false, false, false, false, false, false],
  );
});

test("[W2] a list is closed with an outcome for each item: acts stay acts, holds are told", () => {
  const [first, second, third] = [mockAlloc(), mockAlloc(), mockAlloc()];
  const draft = new Draft();
  const holds = new Holds();
  const closed = endOf(
    new Open("pairs", [first, second, third]).close(holds, (alloc) => {
      if (alloc === second) return HeldBy.limit;
      if (alloc === third) return whyPairWaits.images(alloc);
      return draft.stop({ alloc, description: "" });
    }),
  );
  assert.deepEqual([closed.step, closed.size], ["pairs", 3]);
  assert.deepEqual(
    draft.stops.map(({ alloc }) => alloc),
    [first],
  );
  const group = mockTaskGroup();
  const limit = { group, deployment: null, untainted: [] };
  const ref = { namespace: "default", id: "example" };
  const triage = triageDeployment(null, null);
  const reasons = holds.reasons({ ref, group, triage, limit, serving: 0, idle: [] });
  assert.deepEqual(
    reasons.map(({ rule }) => rule),
    [Rule.groupRollingLimit, Rule.allocPreparesImages],
  );
});
