/**
 * The membership controller in a simulated cluster: machines die for good, one after the other,
 * while others stand by. In the end as many vote as before, all of them alive; on the way
 * `checkers/upkeep-steps.ts` looks at every configuration that a leader writes.
 */
import type { MemberId, Message } from "../core/types.ts";
import type { RaftNode, RaftTimers } from "../node/api.ts";
import type { Spare } from "../node/decide-membership.ts";
import type { LevelRange } from "../node/feature-level.ts";
import { UpkeepSteps } from "./checkers/upkeep-steps.ts";
import { type NodeCode, NodeMember } from "./node-member.ts";
import { SimRandom } from "./random.ts";
import { type Scenario, scenarioOf } from "./scenario.ts";
import { BELIEF_MS, type UpkeepTruth, upkeepSettings } from "./upkeep-settings.ts";
import type { MemberFactory, World } from "./world.ts";

/** With as many deaths of standbys; three of the common level must be left. */
const DEATHS = 2;
const MACHINES_MIN = 8;
const SPARES_MIN = 5;
/** So many can lose one for good. */
const SAFE_VOTERS_MIN = 3;
/** Time in which a dead voter is surely replaced, so that the next may die. */
const BETWEEN_DEATHS_MS = 2_000;

export function upkeepScenario(seed: number): Scenario {
  const scenario = scenarioOf(seed);
  const random = new SimRandom(seed, "upkeep");
  const churn = { addMember: 0, removeMember: 0, replaceMember: 0, demoteMember: 0 };
  // Its own deaths; and what a leader takes for silence must be one.
  const none = { ...churn, rot: 0, wipe: 0, clockJump: 0 };
  // What would be a death for the controller is left to the deaths.
  const rare = { crashAll: 0, partition: 0, hungDisk: 0, storm: 0 };
  return {
    ...scenario,
    voters: random.pick([1, 3, 3, 5]),
    // Coarse, for many machines; an election takes as long as elsewhere.
    tickMs: 20,
    faultsForMs: DEATHS * BETWEEN_DEATHS_MS + 1_000,
    limits: {
      ...scenario.limits,
      heartbeatTicks: 1,
      electionTicksMin: 5,
      electionTicksMax: 10,
      inflightMessagesMax: 64,
      inflightBytesMax: 65_536,
      messageBytesMax: 4_096,
      uncommittedBytesMax: 100_000,
    },
    network: { ...scenario.network, dropChance: random.pick([0, 0.01]), delayMs: [0.5, 6] },
    disk: { syncMs: [0.2, 3] },
    clockSkew: random.pick([0, 0.05]),
    faultEveryMs: random.between(300, 1_500),
    faultWeights: { ...scenario.faultWeights, ...rare, ...none },
    workload: { ...scenario.workload, everyMs: random.pick([20, 60]) },
  };
}

interface Arrival {
  readonly at: number;
  readonly ended: { readonly silentMs: number; readonly endedAt: number } | undefined;
}

export class Upkeep {
  readonly factory: MemberFactory;
  readonly #code: NodeCode;
  #world: World | null = null;
  readonly #downSince = new Map<MemberId, number>();
  readonly #arrivals = new Map<string, Arrival>();
  readonly #spareIds = new Set<MemberId>();

  constructor(code: NodeCode) {
    this.#code = code;
    this.factory = (id, world, voters) => new KeptMember(id, world, voters, code, this);
  }

  start(world: World): void {
    this.#world = world;
    world.watch.add(new UpkeepSteps(world, this.#truth(world)));
    world.votersWanted = Math.max(3, world.scenario.voters);
    const spares = Math.max(SPARES_MIN, MACHINES_MIN - world.scenario.voters);
    for (let i = 0; i < spares; i += 1) this.#spareIds.add(world.addMember().id);
    for (let i = 1; i <= DEATHS; i += 1) {
      const at = i * BETWEEN_DEATHS_MS - world.random.between(0, 300);
      world.clock.after(at - world.clock.now, () => this.#killOne(world));
    }
  }

  /** A member's program has started. */
  attach(id: MemberId, node: RaftNode<number>, timers: RaftTimers): void {
    const controller = new this.#code.MembershipController(upkeepSettings, {
      node,
      timers,
      facts: (of) => ({ zone: zoneOf(of), level: levelOf(of) }),
      spares: () => this.#spares(id),
    });
    controller.start();
  }

  arrived(message: Message): void {
    const now = this.#world?.clock.now ?? 0;
    const link = `${message.from}>${message.to}`;
    const last = this.#arrivals.get(link);
    const silentMs = last === undefined ? 0 : now - last.at;
    // A silence that has just ended is what the leader decided on.
    const ended = silentMs > BELIEF_MS ? { silentMs, endedAt: now } : last?.ended;
    this.#arrivals.set(link, { at: now, ended });
  }

  wentDown(id: MemberId): void {
    this.#downSince.set(id, this.#world?.clock.now ?? 0);
  }

  cameUp(id: MemberId): void {
    this.#downSince.delete(id);
  }

  /** A voter, often the leader, or a standby; none before the last dead one is replaced. */
  #killOne(world: World): void {
    const leader = world.leader();
    const { conf } = leader?.view ?? {};
    if (leader === null || conf === undefined || conf.voters.length < world.votersWanted) return;
    // Who still counts on a dead one, in a joint configuration perhaps, could not lose another; and
    // the one or two that voted alone before others came can lose nobody.
    const halves = world.up().flatMap((member) => {
      const { voters = [], votersOutgoing = [] } = member.view()?.conf ?? {};
      return [voters, votersOutgoing];
    });
    if (halves.some((ids) => ids.some((id) => world.gone.has(id)))) return;
    if (halves.some((ids) => ids.length > 0 && ids.length < SAFE_VOTERS_MIN)) return;
    const { random } = world;
    const victim = random.pick([leader.view.id, ...conf.voters, ...conf.learners]);
    this.#kill(world, victim);
    // Nobody has been told yet that this one is no heir any more.
    if (!conf.voters.includes(victim) || random.chance(0.3)) return;
    const inMs = upkeepSettings.deadAfterMs + random.between(-50, 150);
    world.clock.after(inMs, () => {
      const standbys = world.leader()?.view.conf.learners.filter((id) => !world.gone.has(id)) ?? [];
      if (standbys.length > 1) this.#kill(world, random.pick(standbys));
    });
  }

  #kill(world: World, id: MemberId): void {
    const member = world.members.get(id);
    world.gone.add(id);
    if (member?.up) world.crash(member);
    world.trace.note("fault death", id);
  }

  /** Those that the leader can reach: they would have asked it. */
  #spares(leader: MemberId): readonly Spare[] {
    const world = this.#world;
    if (world === null) return [];
    return [...this.#spareIds]
      .filter((id) => world.members.get(id)?.up && !world.network.isCut(id, leader))
      .map((id) => ({ id, address: `${id}:4647`, zone: zoneOf(id), level: levelOf(id) }));
  }

  #truth(world: World): UpkeepTruth {
    return {
      isDown: (id, forMs) => {
        const since = this.#downSince.get(id);
        return since !== undefined && world.clock.now - since > forMs;
      },
      silenceOf: (from, to) => {
        const last = this.#arrivals.get(`${from}>${to}`);
        if (last === undefined) return Number.POSITIVE_INFINITY;
        const { ended } = last;
        const isRecent = ended !== undefined && world.clock.now - ended.endedAt <= BELIEF_MS;
        return Math.max(world.clock.now - last.at, isRecent ? ended.silentMs : 0);
      },
      levelOf,
    };
  }
}

class KeptMember extends NodeMember {
  readonly #upkeep: Upkeep;

  constructor(
    id: MemberId,
    world: World,
    voters: readonly { id: MemberId; address: string }[] | null,
    code: NodeCode,
    upkeep: Upkeep,
  ) {
    super(id, world, voters, code);
    this.#upkeep = upkeep;
  }

  override boot(): void {
    this.#upkeep.cameUp(this.id);
    super.boot();
  }

  override crash(): void {
    this.#upkeep.wentDown(this.id);
    super.crash();
  }

  override receive(message: Message): boolean {
    const taken = super.receive(message);
    if (taken) this.#upkeep.arrived(message);
    return taken;
  }

  protected override levels(): LevelRange {
    return { min: 1, max: levelOf(this.id) };
  }

  protected override opened(node: RaftNode<number>, timers: RaftTimers): void {
    this.#upkeep.attach(this.id, node, timers);
  }
}

function zoneOf(id: MemberId): string {
  return `z${numberOf(id) % 3}`;
}

/** One spare has an older program than the rest. */
function levelOf(id: MemberId): number {
  return numberOf(id) % 7 === 0 ? 1 : 2;
}

function numberOf(id: MemberId): number {
  return Number(id.slice(1));
}
