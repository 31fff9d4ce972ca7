/** One test for each scope: every world that can be reached keeps what must hold. */
import assert from "node:assert/strict";
import test from "node:test";
import { explore } from "./explore.ts";
import type { Scope } from "./scope.ts";

/** A scope with fewer worlds would show little. */
const STATES_MIN = 500;
/** Of so many known worlds one is explored again, to see that it has the same future. */
const AUDIT_EVERY = 40;

export function expectExplored(scopes: readonly Scope[]): void {
  for (const scope of scopes) {
    test(`${scope.name}: I2, I3 and I4 hold in every world`, () => {
      const { audited, failure, hasReached, states } = explore(scope, { auditEvery: AUDIT_EVERY });
      const path = failure?.path.join("\n  ") ?? "";
      assert.equal(failure, null, `${failure?.message}, after\n  ${path}`);
      assert.ok(states >= STATES_MIN, `${states} states`);
      assert.ok(audited > 0, "no world was compared");
      assert.ok(hasReached, `"${scope.reaches}" never came`);
    });
  }
}
