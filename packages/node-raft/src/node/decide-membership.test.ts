/** Rules C1 to C6, C9 and C10 of SPEC.md. */
import assert from "node:assert/strict";
import test from "node:test";
import {
  decideAdmission,
  decideMembership,
  type MembershipSettings,
  type MembershipView,
  type MemberView,
  type Spare,
} from "./decide-membership.ts";
import { membershipDefaults } from "./membership-controller.ts";

const HOUR = 3_600_000;
const DEAD = { silentMs: HOUR, live: false, healthy: false, healthyForMs: 0 };
const SILENT = { silentMs: 20_000, live: false, healthy: false, healthyForMs: 0 };
const NEW = { healthyForMs: 1_000 };
const BEHIND = { healthy: false, healthyForMs: 0, match: 1 };

function member(id: string, voter: boolean, more: Partial<MemberView> = {}): MemberView {
  const well = { match: 100, silentMs: 0, live: true, healthy: true, healthyForMs: HOUR };
  const quarantined = false;
  return { id, address: `${id}:1`, voter, quarantined, ...well, zone: "", level: 2, ...more };
}

const voter = (id: string, more?: Partial<MemberView>) => member(id, true, more);
const standby = (id: string, more?: Partial<MemberView>) => member(id, false, more);
const spare = (id: string, zone = ""): Spare => ({ id, address: `${id}:1`, zone, level: 2 });
const at = (...ids: string[]) => ids.map((id) => ({ id, address: `${id}:1` }));

/** `a` leads. */
function viewOf(
  members: readonly MemberView[],
  spares: readonly Spare[] = [],
  level = 2,
): MembershipView {
  return { self: "a", confIndex: 7, level, pending: false, members, spares };
}

function decide(
  members: readonly MemberView[],
  options: { spares?: readonly Spare[]; settings?: Partial<MembershipSettings> } = {},
) {
  const settings = { ...membershipDefaults, ...options.settings };
  const decision = decideMembership(viewOf(members, options.spares), settings);
  if (decision.kind === "nothing") return decision.reason;
  const { expectConfIndex, ...change } = decision.change;
  assert.equal(expectConfIndex, 7);
  return { [decision.reason]: change };
}

const THREE = [voter("a"), voter("b"), voter("c")];

test("[C1] a dead voter and a healthy standby change places in one change", () => {
  const members = [voter("a"), voter("b"), voter("c", DEAD), standby("d", NEW)];
  const swap = { addVoters: at("d"), addLearners: at("c") };
  assert.deepEqual(decide(members), { "dead-voter-replaced": swap });
});

test("[C1] silence below the limit, or replacement switched off, replaces nobody", () => {
  const silent = [voter("a"), voter("b"), voter("c", SILENT), standby("d"), standby("e")];
  assert.equal(decide(silent), "complete");
  const dead = [voter("a"), voter("b"), voter("c", DEAD), standby("d"), standby("e")];
  assert.equal(decide(dead, { settings: { replaceDead: false } }), "complete");
});

test("[C1] a standby that is behind, or whose program is too old, is no heir", () => {
  const dead = [voter("a"), voter("b"), voter("c", DEAD)];
  assert.equal(decide([...dead, standby("d", BEHIND)]), "standbys-not-ready");
  assert.equal(decide([...dead, standby("d", { level: 1 })]), "standbys-not-ready");
  assert.equal(decide(dead), "no-standby-for-dead");
});

test("[C1] of two dead voters the one that is silent for longer goes first, and one at a time", () => {
  const members = [
    ...[voter("a"), voter("b"), voter("c")],
    voter("d", { ...DEAD, silentMs: HOUR + 1 }),
    voter("e", DEAD),
    ...[standby("f"), standby("g")],
  ];
  const swap = { addVoters: at("f"), addLearners: at("d") };
  assert.deepEqual(decide(members), { "dead-voter-replaced": swap });
});

test("[C2] one voter and two caught-up standbys become three voters at once, however new", () => {
  const members = [voter("a"), standby("b", NEW), standby("c", NEW)];
  assert.deepEqual(decide(members), { "voters-completed": { addVoters: at("b", "c") } });
});

test("[C2] once three vote, a standby has to be healthy for a while before it is promoted", () => {
  const settings = { voters: 5 };
  const fresh = [...THREE, standby("d"), standby("e", NEW)];
  assert.equal(decide(fresh, { settings }), "standbys-not-ready");
  const members = [...THREE, standby("d"), standby("e")];
  assert.deepEqual(decide(members, { settings }), {
    "voters-completed": { addVoters: at("d", "e") },
  });
});

test("[C2] a standby that is behind is waited for, one whose program is too old too", () => {
  assert.equal(decide([voter("a"), standby("b"), standby("c", BEHIND)]), "standbys-not-ready");
  const older = { level: 1 };
  assert.equal(decide([voter("a"), standby("b"), standby("c", older)]), "standbys-not-ready");
  const newer = { level: 3 };
  assert.deepEqual(decide([voter("a"), standby("b", newer), standby("c", newer)]), {
    "voters-completed": { addVoters: at("b", "c") },
  });
  const silent = { level: null };
  assert.deepEqual(decide([voter("a"), standby("b", silent), standby("c")]), {
    "voters-completed": { addVoters: at("b", "c") },
  });
});

test("[C2] zones where nobody votes go first, and not the same one twice", () => {
  const zoned = [
    voter("a", { zone: "z1" }),
    standby("b", { zone: "z1" }),
    standby("c", { zone: "z2" }),
    standby("d", { zone: "z2" }),
    standby("e", { zone: "z3" }),
  ];
  assert.deepEqual(decide(zoned), { "voters-completed": { addVoters: at("c", "e") } });
});

test("[C3] a missing standby is taken from outside, from a zone without members first", () => {
  const members = [...THREE.map((m) => ({ ...m, zone: "z1" })), standby("d", { zone: "z2" })];
  const spares = [spare("e", "z1"), spare("f", "z3")];
  assert.deepEqual(decide(members, { spares }), {
    "standby-added": { addLearners: at("f"), remove: [] },
  });
  assert.equal(decide(members), "no-spare");
});

test("[C3] a spare takes the seat of a dead standby", () => {
  const members = [...THREE, standby("d"), standby("e", DEAD)];
  assert.deepEqual(decide(members, { spares: [spare("f")] }), {
    "standby-added": { addLearners: at("f"), remove: ["e"] },
  });
});

test("[C4] a fourth voter becomes a standby; the silent one, and never the leader", () => {
  const four = [...THREE, voter("d", SILENT)];
  assert.deepEqual(decide(four), { "surplus-voter-demoted": { addLearners: at("d") } });
  const live = [...THREE, voter("d")];
  assert.deepEqual(decide(live), { "surplus-voter-demoted": { addLearners: at("b") } });
  const five = [...THREE, voter("d"), voter("e")];
  assert.deepEqual(decide(five, { settings: { voters: 3 } }), {
    "surplus-voter-demoted": { addLearners: at("b", "c") },
  });
});

test("[C5] without a live quorum nothing is done", () => {
  const members = [voter("a"), voter("b", SILENT), voter("c", DEAD), standby("d")];
  assert.equal(decide(members), "no-live-quorum");
});

test("[C5] a demotion takes the silent ones: what is left may lose one more, as three may", () => {
  const wanted = { settings: { voters: 3 } };
  const seven = ["a", "b", "c", "d"].map((id) => voter(id));
  const members = [...seven, voter("e", SILENT), voter("f", SILENT), voter("g", SILENT)];
  const decision = decide(members, wanted);
  assert.deepEqual(decision, { "surplus-voter-demoted": { addLearners: at("e", "f", "g", "b") } });
});

test("[C5] one that answers and has nothing yet is demoted before those that a quorum is made of", () => {
  const live = ["a", "b", "c", "d", "e", "f"].map((id) => voter(id, { silentMs: 90 }));
  const empty = ["v", "w", "x", "y"].map((id) => voter(id, { live: false, ...BEHIND }));
  const decision = decide([...live, ...empty], { settings: { voters: 7 } });
  assert.deepEqual(decision, { "surplus-voter-demoted": { addLearners: at("v", "w", "x") } });
});

test("[C6] three voters are never made fewer, and two never of one", () => {
  assert.equal(
    decide([...THREE, standby("d"), standby("e")], { settings: { voters: 1 } }),
    "complete",
  );
  assert.equal(decide([voter("a"), standby("b")]), "odd-number-first");
  assert.equal(decide([...THREE, standby("d")], { settings: { voters: 5 } }), "odd-number-first");
  assert.deepEqual(decide([voter("a"), voter("b"), standby("c")]), {
    "voters-completed": { addVoters: at("c") },
  });
});

test("[C6] eight voters that expected each other become seven", () => {
  const eight = ["a", "b", "c", "d", "e", "f", "g", "h"].map((id) => voter(id));
  assert.deepEqual(decide(eight), { "surplus-voter-demoted": { addLearners: at("b") } });
});

function admit(members: readonly MemberView[], address = "x:1") {
  return decideAdmission({ members }, membershipDefaults, address);
}

test("[C9] five seats for three voters; dead standbys hold none, dead voters do", () => {
  assert.deepEqual(admit([voter("a")]), { seat: true, remove: [] });
  assert.deepEqual(admit([...THREE, standby("d")]), { seat: true, remove: [] });
  assert.deepEqual(admit([...THREE, standby("d"), standby("e")]), { seat: false, remove: [] });
  assert.deepEqual(admit([...THREE, standby("d"), standby("e", DEAD)]), {
    seat: true,
    remove: ["e"],
  });
  const deadVoter = [voter("a"), voter("b"), voter("c", DEAD), standby("d"), standby("e")];
  assert.deepEqual(admit(deadVoter), { seat: false, remove: [] });
});

test("[C9] a wiped machine takes the seat that its old id had as a standby", () => {
  const members = [...THREE, standby("d"), standby("e", SILENT)];
  assert.deepEqual(admit(members, "e:1"), { seat: true, remove: ["e"] });
});

test("[C10] a change under way, and a calm cluster, are reasons to do nothing", () => {
  const pending = { ...viewOf(THREE), pending: true };
  assert.deepEqual(decideMembership(pending, membershipDefaults), {
    kind: "nothing",
    reason: "change-pending",
  });
  assert.equal(decide([...THREE, standby("d"), standby("e")]), "complete");
});

test("[C11] a voter in quarantine is replaced at once, and never comes back as one", () => {
  const bad = { quarantined: true, live: false, healthy: false, healthyForMs: 0 };
  const members = [voter("a"), voter("b"), voter("c", bad), standby("d", NEW)];
  const swap = { addVoters: at("d"), addLearners: at("c") };
  assert.deepEqual(decide(members), { "dead-voter-replaced": swap });
  const demoted = [...THREE.slice(0, 2), voter("d"), standby("c", bad), standby("e")];
  assert.equal(decide(demoted), "no-spare");
  // Whoever comes takes its seat; and so does the machine itself, with a new id.
  const added = { "standby-added": { addLearners: at("f"), remove: ["c"] } };
  assert.deepEqual(decide(demoted, { spares: [spare("f")] }), added);
  const anew = decideAdmission({ members: demoted }, membershipDefaults, "c:1");
  assert.deepEqual(anew, { seat: true, remove: ["c"] });
});

test("[C3] a spare whose program is too old is not taken in", () => {
  const old = { ...spare("f"), level: 1 };
  assert.equal(decide([...THREE, standby("d")], { spares: [old] }), "no-spare");
});
