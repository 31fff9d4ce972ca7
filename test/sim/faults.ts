/** What goes wrong, and for how long. Each fault heals by itself; several may overlap. */
import type { SimRandom } from "@raft/node-raft/sim";
import type { FaultKind, Plan } from "./scenario.ts";
import type { Cluster } from "./world/cluster.ts";
import type { Machine } from "./world/machine.ts";
import type { ServerMember } from "./world/server-member.ts";

/** A run that is to have faults goes on until so many have hit somebody. */
export const FAULTS_MIN = 4;
/** The cluster forms and takes its first jobs in peace. */
const QUIET_MS = 12_000;
/** Servers that are lost with their disks and replaced by new ones. */
const LOSSES_MAX = 2;
const REPLACE_RETRY_MS = 3_000;
const STEP_MS_MAX = 70_000;

export class Faults {
  readonly #cluster: Cluster;
  readonly #plan: Plan;
  readonly #random: SimRandom;
  #running = false;
  #hits = 0;
  #losses = 0;
  /** A lost server's place is not taken yet. */
  #replacing = false;
  readonly #heals = new Set<() => void>();

  constructor(cluster: Cluster, plan: Plan) {
    this.#cluster = cluster;
    this.#plan = plan;
    this.#random = cluster.raft.random.fork("faults");
  }

  /** Too few have hit anybody yet, of a run that is to have some. */
  get isEarly(): boolean {
    return this.#plan.faultEveryMs !== Number.POSITIVE_INFINITY && this.#hits < FAULTS_MIN;
  }

  start(): void {
    this.#running = true;
    if (this.#plan.faultEveryMs === Number.POSITIVE_INFINITY) return;
    this.#cluster.raft.clock.after(QUIET_MS, () => this.#next());
  }

  /** Heals everything and starts everyone again. */
  stop(): void {
    this.#running = false;
    for (const heal of [...this.#heals]) heal();
  }

  #next(): void {
    const { clock } = this.#cluster.raft;
    clock.after(this.#random.between(0, 2 * this.#plan.faultEveryMs), () => {
      if (!this.#running) return;
      const kind = this.#random.weighted(this.#plan.faults);
      const victim = this.#inject(kind);
      if (victim !== "") {
        this.#hits += 1;
        this.#cluster.trace.note(`fault ${kind}`, victim);
        this.#cluster.log(victim, "fault", kind, {});
      }
      this.#next();
    });
  }

  /** Who was hit; "" = there was nobody. */
  #inject(kind: FaultKind): string {
    switch (kind) {
      case "serverCrash":
      case "leaderCrash":
        return this.#crashServer(kind === "leaderCrash");
      case "leaderPause":
        return this.#pauseLeader();
      case "partition":
        return this.#partition();
      case "transfer":
        return this.#transfer();
      case "serverLoss":
        return this.#loseServer();
      case "clockStep":
        return this.#stepClock();
      default:
        return this.#hurtMachine(kind);
    }
  }

  #crashServer(leader: boolean): string {
    const member = leader ? this.#leader() : this.#anyServer();
    if (member === undefined || !this.#mayLose()) return "";
    this.#cluster.raft.crash(member);
    this.#healAfter(this.#random.between(100, 15_000), () => {
      if (!member.up) member.boot();
    });
    return member.id;
  }

  /** One loss at a time, and only while all others are up: a minority (I6). */
  #loseServer(): string {
    const { members, raft } = this.#cluster;
    const others = members.every((member) => member.up && !member.paused);
    if (this.#losses >= LOSSES_MAX || this.#replacing || !others) return "";
    const victim = this.#random.pick(members);
    this.#losses += 1;
    this.#replacing = true;
    victim.lost = true;
    raft.crash(victim);
    raft.clock.after(this.#random.between(1_000, 8_000), () => {
      this.#replace(victim.id, raft.addMember());
    });
    return victim.id;
  }

  /** What an operator does until it is done: the new machine takes the lost one's place. */
  #replace(lost: string, added: { readonly id: string; readonly address: string }): void {
    const { raft } = this.#cluster;
    const conf = raft.leader()?.view.conf;
    const isDone =
      conf?.voters.includes(added.id) === true &&
      !conf.voters.includes(lost) &&
      conf.votersOutgoing.length === 0;
    if (isDone) {
      this.#replacing = false;
      this.#cluster.trace.note("server replaced", lost, added.id);
      return;
    }
    this.#leader()?.change({ addVoters: [added], remove: [lost] });
    raft.clock.after(REPLACE_RETRY_MS, () => this.#replace(lost, added));
  }

  #stepClock(): string {
    const member = this.#anyServer();
    if (member === undefined) return "";
    member.stepClock(Math.round(this.#random.between(-STEP_MS_MAX, STEP_MS_MAX)));
    return member.id;
  }

  #pauseLeader(): string {
    const member = this.#leader();
    if (member === undefined || member.paused) return "";
    member.pause();
    const ms = this.#random.pick([300, 2_000, 8_000, 40_000]) * this.#random.between(0.5, 1.5);
    this.#healAfter(ms, () => member.resume());
    return member.id;
  }

  /** Servers only: the clients go on with those that they reach. */
  #partition(): string {
    const ids = this.#cluster.members.map(({ id }) => id);
    const alone = this.#random.pick(ids);
    const links = ids
      .filter((id) => id !== alone)
      .flatMap((id): [string, string][] => [
        [alone, id],
        [id, alone],
      ]);
    const oneWay = this.#random.chance(0.3) ? links.filter(([from]) => from === alone) : links;
    this.#healAfter(this.#random.between(500, 20_000), this.#cluster.raft.network.cut(oneWay));
    return alone;
  }

  #transfer(): string {
    const to = this.#anyServer();
    const leader = this.#leader();
    if (to === undefined || leader === undefined) return "";
    leader.transfer(to.id);
    return to.id;
  }

  #hurtMachine(kind: FaultKind): string {
    const machines = this.#cluster.machines.filter(({ powered }) => powered);
    if (machines.length === 0) return "";
    const machine = this.#random.pick(machines);
    return this.#hurt(kind, machine) ? machine.host : "";
  }

  #hurt(kind: FaultKind, machine: Machine): boolean {
    const random = this.#random;
    const { catalog } = this.#cluster;
    switch (kind) {
      case "agentCrash":
        if (!machine.agentRuns) return false;
        machine.crashAgent();
        this.#healAfter(random.pick([500, 5_000, 40_000]) * random.between(0.5, 1.5), () => {
          if (machine.powered && !machine.agentRuns) machine.boot();
        });
        return true;
      case "agentPause":
        machine.pauseAgent();
        this.#healAfter(random.between(500, 35_000), () => machine.resumeAgent());
        return true;
      case "nodeDeath":
        machine.losePower({ diskToo: random.chance(0.3) });
        this.#healAfter(random.pick([5_000, 40_000]) * random.between(0.5, 1.5), () => {
          machine.restorePower();
        });
        return true;
      case "clientCut":
        this.#healAfter(
          random.pick([3_000, 12_000, 45_000]) * random.between(0.5, 1.5),
          this.#cluster.isolate(machine.host),
        );
        return true;
      case "dockerOutage":
        machine.engine.outage();
        this.#healAfter(random.between(500, 20_000), () => machine.engine.recover());
        return true;
      case "consulOutage":
        catalog.setUp(machine.host, false);
        this.#healAfter(random.between(500, 20_000), () => catalog.setUp(machine.host, true));
        return true;
      case "taskCrash": {
        const running = machine.engine.running();
        if (running.length === 0) return false;
        machine.engine.exit(random.pick(running), 1);
        return true;
      }
      default:
        return false;
    }
  }

  /** A majority stays, so that something can go on meanwhile; most of the time. */
  #mayLose(): boolean {
    const { members } = this.#cluster;
    // The lost one votes no more: the others must all be there to take its successor in.
    if (this.#replacing) return false;
    const up = members.filter((member) => member.up && !member.paused).length;
    return up - 1 > members.length / 2 || this.#random.chance(0.2);
  }

  #leader(): ServerMember | undefined {
    const id = this.#cluster.raft.leader()?.member.id;
    return this.#cluster.members.find((member) => member.id === id);
  }

  #anyServer(): ServerMember | undefined {
    const up = this.#cluster.members.filter((member) => member.up);
    return up.length === 0 ? undefined : this.#random.pick(up);
  }

  #healAfter(ms: number, heal: () => void): void {
    const once = () => {
      if (this.#heals.delete(once)) heal();
    };
    this.#heals.add(once);
    this.#cluster.raft.clock.after(ms, once);
  }
}
