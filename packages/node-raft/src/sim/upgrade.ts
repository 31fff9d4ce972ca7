/**
 * A rolling upgrade in a simulated cluster (mode `upgrade`): members whose programs understand
 * different feature levels, restarted with a newer one in turn while everything else goes wrong,
 * some by two levels at once. In the end all understand the newest, and the cluster is at it; on
 * the way nobody meets an entry that needs more than it knows.
 */
import type { Entry, MemberId } from "../core/types.ts";
import type { LevelRange } from "../node/feature-level.ts";
import { LevelSteps } from "./checkers/level-steps.ts";
import { type NodeCode, NodeMember } from "./node-member.ts";
import type { WriteOperation } from "./oracle.ts";
import { SimRandom } from "./random.ts";
import { decodeCommand } from "./register-machine.ts";
import { type Scenario, scenarioOf } from "./scenario.ts";
import type { MemberFactory, World } from "./world.ts";

const NEWEST = 3;

export function upgradeScenario(seed: number): Scenario {
  const scenario = scenarioOf(seed);
  const random = new SimRandom(seed, "upgrade");
  const churn = { addMember: 0, removeMember: 0, replaceMember: 0 };
  // Who came for a lost machine would have to bring the right program.
  const none = { ...churn, rot: 0, wipe: 0 };
  return {
    ...scenario,
    voters: random.pick([2, 3, 3, 5]),
    faultsForMs: 4_000,
    faultEveryMs: random.between(150, 600),
    // Who is demoted is a standby, which counts too.
    faultWeights: { ...scenario.faultWeights, ...none, crashAll: 0 },
    workload: { ...scenario.workload, everyMs: random.pick([5, 15]) },
  };
}

export class Upgrade {
  readonly factory: MemberFactory;
  readonly #newest = new Map<MemberId, number>();
  /** Serial of a write → the level that its proposer wrote it for. */
  readonly #versions = new Map<number, number>();
  #world: World | null = null;

  constructor(code: NodeCode) {
    this.factory = (id, world, voters) => new UpgradedMember(id, world, voters, code, this);
  }

  start(world: World): void {
    this.#world = world;
    const { clock, random, scenario, watch } = world;
    watch.add(
      new LevelSteps(watch.ledger, {
        newestOf: (id) => this.newestOf(id),
        versionOf: (entry) => this.#versionOf(entry),
      }),
    );
    // A member that joins later with the old program, as a standby.
    clock.after(random.between(0, 300), () => this.#join(world));
    for (const id of world.members.keys()) {
      const first = random.between(0.1, 0.5) * scenario.faultsForMs;
      clock.after(first, () => this.#upgrade(world, id, random.chance(0.5) ? 2 : NEWEST));
      const last = random.between(0.6, 0.95) * scenario.faultsForMs;
      clock.after(last, () => this.#upgrade(world, id, NEWEST));
    }
  }

  unmet(): string | null {
    const leader = this.#world?.leader();
    const level = leader?.view.conf.level ?? 0;
    return level === NEWEST ? null : `the cluster is at level ${level} of ${NEWEST}`;
  }

  newestOf(id: MemberId): number {
    return this.#newest.get(id) ?? 1;
  }

  proposed(operation: WriteOperation, level: number): void {
    this.#versions.set(operation.command.serial, level);
  }

  #versionOf(entry: Entry): number {
    return this.#versions.get(decodeCommand(entry.data).serial) ?? 0;
  }

  #join(world: World): void {
    const leader = world.leader();
    if (leader === null || leader.view.conf.level !== undefined) return;
    const added = world.addMember();
    this.#upgradeAtLast(world, added.id);
    leader.member.change({ addLearners: [added] });
  }

  /** It keeps the others at the old level for as long as it has its program. */
  #upgradeAtLast(world: World, id: MemberId): void {
    const at = world.random.between(0.5, 0.9) * world.scenario.faultsForMs;
    world.clock.after(at - world.clock.now, () => this.#upgrade(world, id, NEWEST));
  }

  #upgrade(world: World, id: MemberId, newest: number): void {
    const member = world.members.get(id);
    if (member === undefined || this.newestOf(id) >= newest) return;
    this.#newest.set(id, newest);
    world.trace.note("fault upgrade", id, newest);
    if (!member.up) return;
    world.crash(member);
    world.clock.after(world.random.between(5, 50), () => {
      if (!member.up) member.boot();
    });
  }
}

class UpgradedMember extends NodeMember {
  readonly #upgrade: Upgrade;

  constructor(
    id: MemberId,
    world: World,
    voters: readonly { id: MemberId; address: string }[] | null,
    code: NodeCode,
    upgrade: Upgrade,
  ) {
    super(id, world, voters, code);
    this.#upgrade = upgrade;
  }

  protected override levels(): LevelRange {
    return { min: 1, max: this.#upgrade.newestOf(this.id) };
  }

  override write(operation: WriteOperation): boolean {
    this.#upgrade.proposed(operation, this.level);
    return super.write(operation);
  }
}
