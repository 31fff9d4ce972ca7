import assert from "node:assert/strict";
import test from "node:test";
import { emptyConf } from "../../core/conf-state.ts";
import type { MemberView } from "./checker.ts";
import { Quarantined, type StateTruth } from "./quarantined.ts";

const quarantine = { after: 64, index: 128, digest: "x", agreedDigest: "y" };

function view(change: Partial<MemberView>): MemberView {
  const terms = { life: 1, role: "follower" as const, term: 1, leader: "" as const };
  const marks = { commit: 0, applied: 0, firstIndex: 1, lastIndex: 9, snapshotIndex: 0 };
  return { id: "a", ...terms, ...marks, conf: emptyConf, quarantine: null, ...change };
}

/** The state of `a` is wrong from 100 on, unless something else is said. */
function play(truth: Partial<StateTruth>, views: readonly Partial<MemberView>[], durable = false) {
  const known = { wrongFrom: () => 100, visibleForMs: () => 0, boundMs: 500 };
  const checker = new Quarantined({ ...known, ...truth });
  for (const change of views) {
    checker.state(view(change));
    if (durable) checker.quarantined("a");
  }
}

test("a wrong state in quarantine, for good, and a right one outside pass", () => {
  play({}, [{}, { quarantine }, { quarantine, life: 2 }]);
  play({}, [{ quarantine }, { quarantine, life: 2 }], true);
  play({ visibleForMs: () => 400 }, [{}]);
  // The crash came before it was on disk.
  play({}, [{ quarantine }, { life: 2 }]);
});

test("quarantine finds who serves a wrong state, and who is accused of one", () => {
  const found = (complaint: RegExp, ...given: Parameters<typeof play>) =>
    assert.throws(() => play(...given), complaint);
  found(/a has forgotten its quarantine/, {}, [{ quarantine }, { life: 2 }], true);
  found(/a differs for 600 ms and serves/, { visibleForMs: () => 600 }, [{}]);
  found(/a leads in quarantine/, {}, [{ quarantine, role: "leader" }]);
  found(/and its state is right/, { wrongFrom: () => 0 }, [{ quarantine }]);
  found(/a differs from 50 on, and says/, { wrongFrom: () => 50 }, [{ quarantine }]);
  found(/a differs from 129 on, and says/, { wrongFrom: () => 129 }, [{ quarantine }]);
});
