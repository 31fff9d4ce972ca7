/** What the operations of a schedule mean, when their turn comes. */
import { isVoter } from "../core/conf-state.ts";
import type { MembershipChange } from "../core/options.ts";
import type { MemberId } from "../core/types.ts";
import type { LockStep } from "./lock-step.ts";
import { mayTick, mayTransfer, mustApply, receiversOf } from "./normalise.ts";
import type { Operation } from "./schedule.ts";
import type { WireMessage } from "./wire.ts";

/** Messages that one "settle" delivers at most. */
const SETTLE_MAX = 150;
const MEMBERS_MAX = 7;

export class Player {
  readonly #world: LockStep;

  constructor(world: LockStep) {
    this.#world = world;
  }

  async play({ kind, pick, pick2 }: Operation): Promise<void> {
    const world = this.#world;
    const { network, ids } = world;
    switch (kind) {
      case "tick":
        return this.#tick(choose(ids, pick), pick2 < 0.8 ? 1 : world.settings.electionTicksMax);
      case "tickAll":
        for (const id of ids) await this.#tick(id, 1);
        return;
      case "deliver":
        return this.#deliverNext(pick);
      case "deliverAny":
        return this.#deliverAt(indexOf(network, pick));
      case "drop":
        return this.#drop(indexOf(network, pick));
      case "duplicate": {
        const message = network[indexOf(network, pick)];
        // A snapshot has one transfer, and the transfer one end.
        if (message !== undefined && message.type !== "snapshot") network.push(message);
        return;
      }
      case "settle":
        return this.#settle();
      case "propose":
        return this.#propose(pick, pick2);
      case "cut":
        world.cut = new Set(ids.filter((_, i) => Math.floor(pick * 2 ** ids.length) & (1 << i)));
        return;
      case "cutLeader":
        world.cut = new Set([this.#pickLeader(pick) ?? ""]);
        return;
      case "rival":
        return this.#rival(pick);
      case "heal":
        world.cut = new Set();
        return;
      case "disk":
        return this.#disk(choose(ids, pick), pick2);
      case "crash":
        return this.#crash(choose(ids, pick), pick2);
      case "compact":
        return this.#compact(choose(ids, pick), pick2);
      case "transfer":
        return this.#transfer(pick, pick2);
      case "unreachable":
        return this.#unreachable(pick, pick2);
      case "read":
        return this.#read(pick, pick2);
      default:
        return this.#change(pick, pick2);
    }
  }

  /** Everything heals and arrives: at the end all that was said has been compared. */
  async finish(): Promise<void> {
    this.#world.cut = new Set();
    await this.#settle();
    for (const id of this.#world.ids) await this.#world.disk(id);
  }

  async #tick(id: MemberId, count: number): Promise<void> {
    const world = this.#world;
    for (let i = 0; i < count; i += 1) {
      const member = world.member(id);
      if (!mayTick(member.status)) return;
      // N12: a disk that hangs for an election time-out costs the office here.
      const hangs = member.writeAge >= world.settings.electionTicksMin - 1;
      if (hangs || mustApply(world.settings, member.status)) await world.disk(id);
      await world.input(id, { op: "tick", ours: (m) => m.tick() });
    }
  }

  /** Nobody hears a leader for so long that one member campaigns and the others let it. */
  async #rival(pick: number): Promise<void> {
    const { ids, settings } = this.#world;
    const leaders = this.#leaders();
    const others = ids.filter((id) => !leaders.includes(id));
    if (others.length === 0) return;
    const rival = choose(others, pick);
    for (const id of others) {
      await this.#tick(id, id === rival ? settings.electionTicksMax : settings.electionTicksMin);
    }
  }

  async #settle(): Promise<void> {
    const world = this.#world;
    for (let i = 0; i < SETTLE_MAX; i += 1) {
      if (world.network.length > 0) {
        await this.#deliverAt(0);
        continue;
      }
      const writing = world.ids.find((id) => !world.member(id).idle);
      if (writing === undefined) return;
      await world.disk(writing);
    }
  }

  /** The oldest message of one of the links. */
  #deliverNext(pick: number): Promise<void> {
    const { network } = this.#world;
    const picked = network[indexOf(network, pick)];
    if (picked === undefined) return Promise.resolve();
    const { from, to } = picked;
    return this.#deliverAt(network.findIndex((each) => each.from === from && each.to === to));
  }

  async #deliverAt(at: number): Promise<void> {
    const world = this.#world;
    const message = world.network.splice(at, 1)[0];
    if (message === undefined) return;
    const { status } = world.member(message.to);
    const { who, rule } = receiversOf(message, status, world.readsAt(message.to));
    if (message.type === "readIndex" && who === "both") world.noteRead(message.to);
    if (rule !== undefined) world.count(rule);
    if (
      message.type === "timeoutNow" &&
      mustApply(world.settings, world.member(message.to).status)
    ) {
      await world.disk(message.to);
    }
    if (who !== "neither") await world.deliver(message, who);
    await this.#snapshotEnded(message, who === "both");
  }

  async #drop(at: number): Promise<void> {
    const message = this.#world.network.splice(at, 1)[0];
    if (message === undefined) return;
    this.#world.count("messages lost");
    await this.#snapshotEnded(message, false);
  }

  async #snapshotEnded(message: WireMessage, ok: boolean): Promise<void> {
    if (message.type !== "snapshot") return;
    const { from, to } = message;
    await this.#world.input(from, {
      op: "snapshotSent",
      ours: ({ core }) => core.snapshotSent(to, ok),
      fields: { to: Number(to), ok },
    });
  }

  async #propose(pick: number, pick2: number): Promise<void> {
    const { ids } = this.#world;
    const leaders = this.#leaders();
    // Now and then one that cannot.
    const among = leaders.length === 0 || pick2 < 0.05 ? ids : leaders;
    await this.#world.propose(choose(among, pick));
  }

  async #read(pick: number, pick2: number): Promise<void> {
    const world = this.#world;
    const leader = pick2 < 0.6 ? this.#pickLeader(pick) : undefined;
    const id = leader ?? choose(world.ids, pick);
    const { role } = world.member(id).status;
    if (role === "leader" && world.readsAt(id).unlike) return;
    world.noteRead(id);
    await world.read(id);
  }

  async #disk(id: MemberId, pick: number): Promise<void> {
    const { writing } = this.#world.member(id);
    const turn = writing[indexOf(writing, pick)];
    if (turn !== undefined) await this.#world.disk(id, turn);
  }

  async #crash(id: MemberId, pick: number): Promise<void> {
    const { writing } = this.#world.member(id);
    const kept = Math.floor(pick * (writing.length + 1));
    this.#world.count("crashes");
    await this.#world.crash(id, writing[kept - 1] ?? 0);
  }

  async #compact(id: MemberId, pick: number): Promise<void> {
    const world = this.#world;
    await world.disk(id);
    const { applied, firstIndex, installing } = world.member(id).status;
    const index = applied - Math.floor(pick * 3);
    // What begins with the very first entry is a whole log to ours, and would be whole again after
    // a restart.
    if (installing !== 0 || index < Math.max(firstIndex, 2)) return;
    await world.compact(id, index);
  }

  async #transfer(pick: number, pick2: number): Promise<void> {
    const world = this.#world;
    const leader = this.#pickLeader(pick);
    if (leader === undefined || !mayTransfer(world.member(leader).status)) return;
    // N24: the library starts the period of its quorum check anew with a transfer.
    for (let i = 0; i < world.settings.electionTicksMin && world.elapsed(leader) > 0; i += 1) {
      await this.#tick(leader, 1);
    }
    const { role, conf } = world.member(leader).status;
    const others = conf.voters.filter((id) => id !== leader);
    if (role !== "leader" || others.length === 0 || world.elapsed(leader) > 0) return;
    const to = choose(others, pick2);
    await world.input(leader, {
      op: "transfer",
      ours: ({ core }) => {
        if (core.transferLeader(to).kind === "refused") return false;
        world.count("transfers");
        return true;
      },
      fields: { to: Number(to) },
    });
  }

  async #unreachable(pick: number, pick2: number): Promise<void> {
    const leader = this.#pickLeader(pick);
    if (leader === undefined) return;
    const to = choose(this.#world.ids, pick2);
    if (to === leader) return;
    await this.#world.input(leader, {
      op: "unreachable",
      ours: ({ core }) => core.unreachable(to),
      fields: { to: Number(to) },
    });
  }

  async #change(pick: number, pick2: number): Promise<void> {
    const leader = this.#pickLeader(pick);
    if (leader === undefined) return;
    const { conf } = this.#world.member(leader).status;
    const other = choose([...conf.voters, ...conf.learners], (pick * 7919) % 1);
    const fresh = `${(this.#world.ids.length % MEMBERS_MAX) + 1}`;
    const joins = conf.learners.includes(other) ? other : fresh;
    if (isVoter(conf, joins) || other === leader) return;
    const change = changeOf(pick2, other, joins, conf.voters.includes(other));
    if (!this.#world.ids.includes(joins)) await this.#world.add(joins);
    await this.#world.change(leader, change);
  }

  #leaders(): readonly MemberId[] {
    const { ids } = this.#world;
    return ids.filter((id) => this.#world.member(id).status.role === "leader");
  }

  #pickLeader(pick: number): MemberId | undefined {
    const leaders = this.#leaders();
    return leaders[indexOf(leaders, pick)];
  }
}

/** `leaves` is a member other than the leader, `joins` not a voter yet. */
function changeOf(
  pick: number,
  leaves: MemberId,
  joins: MemberId,
  isVoting: boolean,
): MembershipChange {
  const added = [{ id: joins, address: "" }];
  if (pick < 0.25) return { addVoters: added };
  if (pick < 0.45) return { addLearners: added };
  if (pick < 0.6) return { remove: [leaves] };
  if (!isVoting) return { addVoters: added };
  if (pick < 0.75) return { addLearners: [{ id: leaves, address: "" }] };
  if (pick < 0.9) return { addVoters: added, remove: [leaves] };
  return { addVoters: added, addLearners: [{ id: leaves, address: "" }] };
}

function indexOf(items: readonly unknown[], pick: number): number {
  return Math.floor(pick * items.length);
}

function choose<T>(items: readonly T[], pick: number): T {
  const item = items[indexOf(items, pick)];
  if (item === undefined) throw new Error("nothing to choose from");
  return item;
}
