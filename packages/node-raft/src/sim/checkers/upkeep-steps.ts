/**
 * What a leader may do about its members, judged by what really is (C1 to C6 of SPEC.md): nobody
 * loses a vote that was heard, nobody gets one that is away, and the live margin never shrinks.
 */
import { allMembers, decodeConf, isJoint } from "../../core/conf-state.ts";
import type { ConfState, MemberId } from "../../core/types.ts";
import { EntryKind } from "../../core/types.ts";
import type { ObservedWrite } from "../ledger.ts";
import { BELIEF_MS, type UpkeepTruth, upkeepSettings } from "../upkeep-settings.ts";
import type { World } from "../world.ts";
import { type Checker, expect } from "./checker.ts";

/** Entries that a member may be behind: the limit, and what is written during a look. */
const BEHIND_MAX = upkeepSettings.trailingMax + 20;

export class UpkeepSteps implements Checker {
  readonly name = "upkeep-steps";
  readonly #world: Pick<World, "members" | "watch">;
  readonly #truth: UpkeepTruth;

  constructor(world: Pick<World, "members" | "watch">, truth: UpkeepTruth) {
    this.#world = world;
    this.#truth = truth;
  }

  issued(id: MemberId, write: ObservedWrite): void {
    const view = this.#world.members.get(id)?.view();
    for (const entry of write.entries) {
      if (entry.kind !== EntryKind.config || view?.role !== "leader") continue;
      if (entry.term !== view.term) continue;
      const conf = decodeConf(entry.data);
      for (const member of allMembers(conf)) this.#checkProgram(member, conf);
      if (isJoint(conf)) this.#check(id, conf);
    }
  }

  #checkProgram(id: MemberId, { level = 0 }: ConfState): void {
    const own = this.#truth.levelOf(id);
    expect(own >= level, this, () => `${id} knows level ${own}, and the cluster is at ${level}`);
  }

  #check(leader: MemberId, conf: ConfState): void {
    const before = conf.votersOutgoing;
    const after = conf.voters;
    const step = `${leader}: ${before} to ${after}`;
    const odd = after.length % 2 === 1;
    expect(odd, this, () => `${step}: an even number of voters`);
    expect(after.length >= Math.min(3, before.length), this, () => `${step}: too few are left`);
    expect(this.#margin(after) >= this.#margin(before), this, () => `${step}: a smaller margin`);
    for (const id of before) if (!after.includes(id)) this.#checkDemoted(leader, id, step);
    for (const id of after) if (!before.includes(id)) this.#checkPromoted(leader, id, step);
  }

  #checkDemoted(leader: MemberId, id: MemberId, step: string): void {
    const silentMs = this.#truth.silenceOf(id, leader);
    const least = upkeepSettings.deadAfterMs - BELIEF_MS;
    expect(silentMs >= least, this, () => `${step}: ${id} was silent for ${silentMs} ms only`);
  }

  #checkPromoted(leader: MemberId, id: MemberId, step: string): void {
    expect(!this.#truth.isDown(id, BELIEF_MS), this, () => `${step}: ${id} is down`);
    const ledger = this.#world.watch.ledger;
    const commit = this.#world.members.get(leader)?.view()?.commit ?? 0;
    const has = ledger.durable.get(id)?.lastIndex ?? 0;
    expect(has >= commit - BEHIND_MAX, this, () => `${step}: ${id} has ${has} of ${commit}`);
  }

  #margin(voters: readonly MemberId[]): number {
    const live = voters.filter((id) => !this.#truth.isDown(id, BELIEF_MS)).length;
    return live - (Math.floor(voters.length / 2) + 1);
  }
}
