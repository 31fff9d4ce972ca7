/** Rules L1 and L2 of SPEC.md. */
import assert from "node:assert/strict";
import test from "node:test";
import type { LeaseStatus } from "../core/options.ts";
import { Lease, leaseMs } from "./lease.ts";
import { raftDefaults } from "./limits.ts";

const MS = leaseMs(raftDefaults);
const { tickMs } = raftDefaults;

function status(seq: number, confirmed: number, term = 1): LeaseStatus {
  return { term, commit: 1, seq, confirmed };
}

function at(awakeMs: number, wallMs = 5_000 + awakeMs): { awakeMs: number; wallMs: number } {
  return { awakeMs, wallMs };
}

test("[L1] T§6.4.1 a lease runs from the sending of the token that a quorum has echoed", () => {
  const lease = new Lease(raftDefaults);
  lease.sending(status(0, 0), at(0));
  lease.sending(status(1, 0), at(0));
  assert.equal(lease.holds(status(1, 0), at(1)), false);
  // The echo came late: no matter when, the time of the sending counts.
  assert.equal(lease.holds(status(1, 1), at(MS - 1)), true);
  assert.equal(lease.holds(status(1, 1), at(MS)), false);
  lease.sending(status(4, 1), at(MS));
  // Of the tokens 2 to 4 only the last one's sending is known, so an echo of 3 proves nothing.
  assert.equal(lease.holds(status(4, 3), at(MS + 1)), false);
  assert.equal(lease.holds(status(4, 4), at(MS + 1)), true);
  assert.equal(lease.holds(status(4, 4, 2), at(MS + 2)), false);
});

test("[L1] a token that went out before it was looked at is of unknown age, and counts for nothing", () => {
  // Sent by a leader that had not committed in its term, and echoed before it had.
  const lease = new Lease(raftDefaults);
  lease.sending(status(5, 4), at(1_000));
  assert.equal(lease.holds(status(5, 5), at(1_001)), false);
  lease.sending(status(5, 5), at(1_002));
  assert.equal(lease.holds(status(5, 5), at(1_003)), false);
  lease.sending(status(6, 5), at(1_200));
  assert.equal(lease.holds(status(6, 6), at(1_201)), true);
  lease.sending(status(6, 6, 2), at(1_202));
  assert.equal(lease.holds(status(6, 6, 2), at(1_203)), false);
});

test("[L2] a token from before a pause does not come back as one that is sent after it", () => {
  const lease = new Lease(raftDefaults);
  lease.sending(status(0, 0), at(0));
  lease.ticked(at(0));
  lease.sending(status(1, 0), at(1));
  assert.equal(lease.holds(status(1, 1), at(2)), true);
  // Heartbeats, which bring new tokens, are not due at each tick.
  const woken = tickMs + 101;
  lease.ticked(at(woken));
  lease.sending(status(1, 1), at(woken));
  assert.equal(lease.holds(status(1, 1), at(woken + 1)), false);
  lease.sending(status(2, 1), at(woken + 2));
  assert.equal(lease.holds(status(2, 2), at(woken + 3)), true);
});

test("[L1] it is over before those who echoed vote again, though two ticks may come at once", () => {
  const { electionTicksMin } = raftDefaults;
  assert.equal(MS, 0.8 * (electionTicksMin - 2) * tickMs);
  assert.ok(MS > 0);
});

test("[L2] the clock that ran further counts, and a pause ends what was sent before it", () => {
  const lease = new Lease(raftDefaults);
  lease.sending(status(0, 0), at(0));
  lease.sending(status(1, 0), at(0));
  // The machine was frozen, and its monotonic clock with it.
  assert.equal(lease.holds(status(1, 1), at(10, 5_000 + MS)), false);
  // The wall clock was set back.
  assert.equal(lease.holds(status(1, 1), at(10, 0)), true);
  lease.ticked(at(10));
  lease.sending(status(2, 1), at(20));
  assert.equal(lease.holds(status(2, 2), at(30)), true);
  assert.equal(lease.holds(status(2, 2), at(10 + tickMs + 101)), false);
  lease.ticked(at(10 + tickMs + 101));
  assert.equal(lease.holds(status(2, 2), at(10 + tickMs + 102)), false);
});
