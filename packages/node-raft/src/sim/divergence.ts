/**
 * A simulated cluster in which a member's state comes to differ without a word: a bit flips, or an
 * entry is not applied. It must find out and serve no more, and nobody else may (mode `states`).
 */
import type { MemberId } from "../core/types.ts";
import { Quarantined, type StateTruth } from "./checkers/quarantined.ts";
import { CorruptibleMachine } from "./corruptible.ts";
import { type NodeCode, NodeMember } from "./node-member.ts";
import { SimRandom } from "./random.ts";
import { type Scenario, scenarioOf } from "./scenario.ts";
import type { MemberFactory, World } from "./world.ts";

/** Simulated; some round trips at the slowest, each beside a heartbeat, and a pause. */
const CALM_BOUND_MS = 800;
const CALM_EVERY_MS = 250;
/** Some entries. */
const MESSAGE_BYTES_CALM = 64;

export function divergenceScenario(seed: number): Scenario {
  const scenario = scenarioOf(seed);
  const random = new SimRandom(seed, "divergence");
  const churn = { addMember: 0, removeMember: 0, replaceMember: 0, demoteMember: 0 };
  // Who comes for a lost machine, and what a lying disk has forgotten, is looked at elsewhere.
  const none = { ...churn, rot: 0, wipe: 0, syncLie: 0 };
  const all = {
    ...scenario,
    voters: random.pick([3, 3, 5]),
    faultsForMs: 4_000,
    faultEveryMs: random.between(150, 600),
    faultWeights: { ...scenario.faultWeights, ...none },
    limits: { ...scenario.limits, inflightMessagesMax: 64, uncommittedBytesMax: 100_000 },
    // A wrong state that was sent to others would make them wrong too.
    trailingEntries: 100_000,
    workload: { ...scenario.workload, everyMs: random.pick([3, 8]) },
  };
  return random.chance(0.4) ? calmed(all) : all;
}

/** Nothing that keeps members from talking to each other for long. */
function calmed(scenario: Scenario): Scenario {
  const none = Object.fromEntries(Object.keys(scenario.faultWeights).map((kind) => [kind, 0]));
  return {
    ...scenario,
    faultEveryMs: CALM_EVERY_MS,
    faultWeights: { ...(none as Scenario["faultWeights"]), transfer: 1, gcStall: 1 },
    network: { ...scenario.network, dropChance: 0, stragglerChance: 0 },
    clockSkew: 0,
  };
}

/**
 * One that crashes may come back without the digests by which others are found out, and one that
 * gets an entry at a time may be long in reaching the checkpoint.
 */
function isCalm({ faultWeights, voteCrashChance, limits }: Scenario): boolean {
  const isSlow = limits.messageBytesMax < MESSAGE_BYTES_CALM;
  return faultWeights.crash === 0 && voteCrashChance === 0 && !isSlow;
}

export class Divergence {
  readonly factory: MemberFactory;
  readonly #visibleAt = new Map<MemberId, number>();
  #world: World | null = null;

  constructor(code: NodeCode) {
    this.factory = (id, world, voters) => new DivergingMember(id, world, voters, code);
  }

  start(world: World): void {
    this.#world = world;
    const { clock, random, scenario } = world;
    world.watch.add(new Quarantined(this.#truth(world)));
    // A majority must be left that is right.
    const victims = new Set<MemberId>();
    const most = scenario.voters === 5 ? random.pick([1, 2]) : 1;
    for (let i = 0; i < most; i += 1) {
      const at = random.between(0.1, 0.7) * scenario.faultsForMs;
      clock.after(at, () => this.#corrupt(world, victims));
    }
  }

  /** What has to be waited for at the end; null = nothing. */
  unmet(): string | null {
    const wrong = this.#members().find((one) => !one.quarantined && one.machine.wrongFrom > 0);
    return wrong === undefined ? null : `${wrong.id} serves a state that differs`;
  }

  #corrupt(world: World, victims: Set<MemberId>): void {
    const { random, trace, clock } = world;
    const leader = world.leader()?.member.id;
    const up = this.#members().filter(({ id, up, machine }) => {
      return up && machine.index > 0 && !victims.has(id);
    });
    const victim = up.find(({ id }) => id === leader && random.chance(0.5)) ?? up[0];
    if (victim === undefined) {
      clock.after(50, () => this.#corrupt(world, victims));
      return;
    }
    victims.add(victim.id);
    const kind = victim.corrupt(random);
    trace.note(`fault ${kind}`, victim.id);
  }

  #members(): DivergingMember[] {
    return [...(this.#world?.members.values() ?? [])] as DivergingMember[];
  }

  /** Since it has a wrong digest at a checkpoint and says nothing; 0 = that is not so. */
  #visibleForMs(member: DivergingMember): number {
    const { id } = member;
    if (!member.up || member.quarantined || !member.isVisible) {
      this.#visibleAt.delete(id);
      return 0;
    }
    const now = this.#world?.clock.now ?? 0;
    const since = this.#visibleAt.get(id) ?? now;
    this.#visibleAt.set(id, since);
    return now - since + Number.EPSILON;
  }

  #truth(world: World): StateTruth {
    const find = (id: MemberId) => world.members.get(id) as DivergingMember;
    return {
      boundMs: isCalm(world.scenario) ? CALM_BOUND_MS : Number.POSITIVE_INFINITY,
      wrongFrom: (id) => find(id).machine.wrongFrom,
      visibleForMs: (id) => this.#visibleForMs(find(id)),
    };
  }
}

class DivergingMember extends NodeMember {
  protected override newMachine(): CorruptibleMachine {
    return new CorruptibleMachine();
  }

  get isVisible(): boolean {
    return (this.machine as CorruptibleMachine).isVisible;
  }

  corrupt(random: SimRandom): string {
    const machine = this.machine as CorruptibleMachine;
    if (random.chance(0.5)) {
      machine.skip();
      return "skippedApply";
    }
    machine.flip(`k${random.int(3)}`, random.int(16));
    return "bitFlip";
  }
}
