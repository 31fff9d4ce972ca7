/**
 * Servers that die, return, are wiped or are new, in any order, under a controller that looks now
 * and then: what it never passes through, and where it ends (C1 to C6 of SPEC.md).
 */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { planChange } from "../core/conf-change.ts";
import { emptyConf } from "../core/conf-state.ts";
import type { ConfState } from "../core/types.ts";
import {
  decideMembership,
  type MembershipDecision,
  type MembershipSettings,
  type MemberView,
} from "./decide-membership.ts";
import { membershipDefaults } from "./membership-controller.ts";

const RUNS = { numRuns: 400, seed: 20_262 };
const IDS = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
const LOOK_MS = 20_000;
const ZONES = ["", "z1", "z2"];

interface Step {
  readonly kind: "die" | "return" | "wait";
  readonly id: string;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom("die", "return", "wait", "wait"),
  id: fc.constantFrom(...IDS),
});
const world = fc.record({
  founders: fc.integer({ min: 1, max: 8 }),
  steps: fc.array(step, { maxLength: 60 }),
  wanted: fc.constantFrom(null, null, 3, 5),
});

type World = typeof world extends fc.Arbitrary<infer T> ? T : never;

/** Everybody sees at once who answers; a change that a quorum carries takes no time. */
class Model {
  conf: ConfState;
  readonly #settings: MembershipSettings;
  readonly #deadSince = new Map<string, number>();
  #liveSince = new Map<string, number>(IDS.map((id) => [id, 0]));
  #now = 0;
  #index = 1;

  constructor(founders: number, settings: MembershipSettings) {
    this.#settings = settings;
    const voters = IDS.slice(0, founders);
    const addresses = Object.fromEntries(voters.map((id) => [id, `${id}:1`]));
    this.conf = { ...emptyConf, voters, addresses };
  }

  take({ kind, id }: Step): void {
    this.#now += LOOK_MS;
    if (kind === "die" && this.isLive(id)) this.#deadSince.set(id, this.#now);
    if (kind === "return" && this.#deadSince.delete(id)) this.#liveSince.set(id, this.#now);
  }

  isLive(id: string): boolean {
    return !this.#deadSince.has(id);
  }

  margin(voters: readonly string[]): number {
    return voters.filter((id) => this.isLive(id)).length - (Math.floor(voters.length / 2) + 1);
  }

  /** null = there is no leader. */
  look(): MembershipDecision | null {
    const leader = this.conf.voters.find((id) => this.isLive(id));
    if (leader === undefined) return null;
    const members = [...this.conf.voters, ...this.conf.learners].map((id) => this.#view(id));
    // Members among them: what asked before may have been taken in since.
    const asked = IDS.filter((id) => this.isLive(id));
    const spares = asked.map((id) => ({ id, address: `${id}:1`, zone: zoneOf(id), level: 1 }));
    const confIndex = this.#index;
    const view = { self: leader, confIndex, level: 1, pending: false, members, spares };
    return decideMembership(view, this.#settings);
  }

  /** The configurations that the change passes through, the last one in force afterwards. */
  perform(decision: MembershipDecision & { kind: "change" }): readonly string[][] {
    const outcome = planChange(this.conf, decision.change);
    assert.equal(outcome.kind, "changed", JSON.stringify(outcome));
    if (outcome.kind !== "changed") return [];
    const { conf } = outcome;
    this.#index += 1;
    const learners = [...new Set([...conf.learners, ...conf.learnersNext])];
    this.conf = { ...conf, votersOutgoing: [], learnersNext: [], learners, autoLeave: false };
    return [
      ...(conf.votersOutgoing.length > 0 ? [[...conf.votersOutgoing]] : []),
      [...conf.voters],
    ];
  }

  #view(id: string): MemberView {
    const live = this.isLive(id);
    const silentMs = live ? 0 : this.#now - (this.#deadSince.get(id) ?? 0) + LOOK_MS;
    return {
      id,
      address: `${id}:1`,
      voter: this.conf.voters.includes(id),
      match: 100,
      silentMs,
      live,
      quarantined: false,
      healthy: live,
      healthyForMs: live ? this.#now - (this.#liveSince.get(id) ?? 0) : 0,
      zone: zoneOf(id),
      level: 1,
    };
  }
}

function zoneOf(id: string): string {
  return ZONES[id.charCodeAt(0) % ZONES.length] ?? "";
}

/** One look, and that what it does weakens nothing on the way. */
function lookAndCheck(model: Model, settings: MembershipSettings): string {
  const decision = model.look();
  if (decision === null) return "no-leader";
  if (decision.kind === "nothing") return decision.reason;
  assert.ok(model.margin(model.conf.voters) >= 0, "a change without a live quorum");
  const before = model.conf.voters;
  const standing = model.conf.learners.filter((id) => model.isLive(id)).length;
  assert.ok(decision.reason !== "standby-added" || standing < settings.standbys, "one too many");
  const passed = model.perform(decision);
  const demotes = decision.reason === "surplus-voter-demoted";
  const tolerated = ((settings.voters ?? 7) - 1) / 2;
  const least = demotes
    ? Math.min(model.margin(before), tolerated, before.length / 2 - 1)
    : model.margin(before);
  for (const voters of passed) {
    assert.ok(
      model.margin(voters) >= Math.floor(least),
      `${decision.reason}: ${before} to ${voters}`,
    );
  }
  const now = model.conf.voters;
  assert.ok(before.length < 3 || now.length >= 3, `${before} to ${now}`);
  assert.ok(now.length % 2 === 1 || now.length === before.length, `${before} to ${now}`);
  assert.ok(now.length <= 7 || now.length < before.length);
  return decision.reason;
}

function play({ founders, steps, wanted }: World) {
  const settings = { ...membershipDefaults, voters: wanted };
  const model = new Model(founders, settings);
  for (const one of steps) {
    model.take(one);
    lookAndCheck(model, settings);
  }
  return { model, settings };
}

test("no configuration on the way has a weaker quorum of live members", () => {
  fc.assert(
    fc.property(world, (setting) => {
      play(setting);
    }),
    RUNS,
  );
});

test("once nothing changes any more it ends where dead members vote only for want of others", () => {
  let replaced = 0;
  fc.assert(
    fc.property(world, (setting) => {
      const { model, settings } = play(setting);
      const seen: string[] = [];
      // Dead for long enough, stable for long enough, then one change per look.
      for (let i = 0; i < 30; i += 1) {
        model.take({ kind: "wait", id: "a" });
        seen.push(lookAndCheck(model, settings));
      }
      replaced += seen.filter((reason) => reason === "dead-voter-replaced").length;
      const last = seen.slice(-5);
      if (last[0] === "no-leader" || last[0] === "no-live-quorum") return;
      assert.ok(
        last.every((reason) => reason === last[0]),
        `never calm: ${seen.join()}`,
      );
      const { voters, learners } = model.conf;
      const live = IDS.filter((id) => model.isLive(id));
      const liveLearners = learners.filter((id) => model.isLive(id));
      const outside = live.filter((id) => !voters.includes(id) && !learners.includes(id));
      if (voters.some((id) => !model.isLive(id))) {
        assert.equal(liveLearners.length + outside.length, 0, "a dead voter beside a live standby");
      }
      assert.ok(
        liveLearners.length >= Math.min(settings.standbys, liveLearners.length + outside.length),
      );
      if (last[0] === "complete") assert.ok(voters.length >= 3 && voters.length % 2 === 1);
    }),
    RUNS,
  );
  assert.ok(replaced > 20, `${replaced} replacements: the runs prove little`);
});
