/**
 * Who the other agents are, and which place this one has among them: identities are exchanged when
 * a cluster forms or grows, and asked for when somebody wants the list of members. A member that
 * hears its leader asks nobody, one that hears none asks whether it is still wanted, and the leader
 * asks at the addresses of those that it does not hear.
 */
import { type Cancel, type Clock, DroverError, errorText } from "@drover/base";
import type { Log } from "@drover/server";
import { type PeerPool, type Router, Rpc } from "@drover/wire";
import {
  describeQuarantine,
  MembershipController,
  type MembershipSettings,
  type Quarantine,
  type RaftNode,
} from "@raft/node-raft";
import type { MemberInfo } from "../agent-info.ts";
import { decideFormation } from "./decide-formation.ts";
import type { AgentIdentity, Upkeep } from "./identity.ts";
import { LeaderSight } from "./leader-sight.ts";
import { listMembers, newestLeader } from "./member-list.ts";
import { Spares } from "./spares.ts";

const FORMATION_INTERVAL_MS = 200;
const ASK_TIMEOUT_MS = 1_000;
const JOIN_TIMEOUT_MS = 10_000;
/** An agent outside Raft looks for new servers, and whether it is wanted as one. */
const OUTSIDE_INTERVAL_MS = 10_000;
/** A member looks whether it hears the leader, or the members; who hears none asks as often. */
const MEMBER_INTERVAL_MS = 3_000;

interface JoinReply {
  readonly clusterId: string;
  readonly isMember: boolean;
}

export interface ClusterOptions {
  readonly self: Omit<
    AgentIdentity,
    | "clusterId"
    | "known"
    | "voters"
    | "addresses"
    | "leader"
    | "term"
    | "lastIndex"
    | "peers"
    | "upkeep"
    | "quarantine"
  >;
  /** host:port of agents to begin with. */
  readonly join: readonly string[];
  /** How the leader keeps the voters complete; defaults where left out. */
  readonly membership?: Partial<MembershipSettings>;
}

export interface ClusterDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly router: Router;
  readonly peers: PeerPool;
  /** null on a machine outside Raft. */
  readonly raft: RaftNode<unknown> | null;
}

export class Cluster {
  readonly #options: ClusterOptions;
  readonly #deps: ClusterDeps;
  /** Last identity heard from each agent, by id. */
  readonly #heard = new Map<string, AgentIdentity>();
  readonly #addresses: Set<string>;
  readonly #spares: Spares;
  readonly #sight: LeaderSight | null;
  readonly #controller: MembershipController | null;
  #cancel: Cancel | null = null;
  #lastReason = "";
  #stopped = false;
  #rounding = false;
  /** The cluster has told us that it wants no more servers. */
  #outside = false;
  #becameBeside: () => void = () => undefined;
  #quarantine: Quarantine | null;

  constructor(options: ClusterOptions, deps: ClusterDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#addresses = new Set(options.join);
    deps.router.handle(Rpc.identify, async (payload) => {
      this.#hear(payload as AgentIdentity);
      return this.identity();
    });
    deps.router.handle(Rpc.joinCluster, (payload) => this.#admit(payload as AgentIdentity));
    deps.router.handle(Rpc.takePart, (payload) => this.#takePart(payload as string));
    this.#spares = new Spares(deps.clock);
    this.#sight = deps.raft ? new LeaderSight(deps.raft, deps.clock) : null;
    this.#controller = deps.raft ? this.#control(deps.raft) : null;
    this.#quarantine = deps.raft?.status().quarantine ?? null;
    deps.raft?.on("quarantine", (why) => {
      this.#quarantine = why;
      this.#becameBeside();
    });
  }

  #control(raft: RaftNode<unknown>): MembershipController {
    raft.on("leadership", (state) => {
      if (state.leader !== "") this.#outside = false;
      // What a new leader has not been told: where each member is, and what it understands.
      if (state.self) void this.#askAll().then(() => this.#controller?.wake());
    });
    const { log } = this.#deps;
    return new MembershipController(this.#options.membership ?? {}, {
      node: raft,
      log,
      facts: (id) => {
        const known = id === this.#options.self.id ? this.#options.self : this.#heard.get(id);
        return { zone: known?.datacenter ?? "", level: known?.level ?? null };
      },
      spares: () => this.#spares.fresh(),
      prepare: async ({ address }) => {
        const peer = await this.#deps.peers.get(address);
        await peer.call(Rpc.takePart, raft.clusterId, { timeoutMs: ASK_TIMEOUT_MS });
      },
    });
  }

  #upkeep(): Upkeep | null {
    const report = this.#controller?.report();
    if (report === undefined || report.members.length === 0) return null;
    const members = report.members.map(({ id, healthy, silentMs, healthyForMs }) => {
      return { id, healthy, lastContactMs: silentMs, healthyForMs };
    });
    return { reason: report.decision.reason, members };
  }

  identity(): AgentIdentity {
    const { raft } = this.#deps;
    // What a machine outside once knew of the members misleads whoever asks.
    const status = this.#outside ? undefined : raft?.status();
    const known = [...this.#heard.values()].filter((p) => p.server && p.clusterId === "");
    return {
      ...this.#options.self,
      clusterId: raft?.clusterId ?? "",
      known: [...known.map((p) => p.id), this.#options.self.id].sort(),
      voters: status?.conf.voters ?? [],
      addresses: status?.conf.addresses ?? {},
      leader: status?.leader ?? "",
      term: status?.term ?? 0,
      lastIndex: status?.lastIndex ?? 0,
      upkeep: this.#upkeep(),
      quarantine: this.quarantine,
      peers: [...this.#addresses, this.#options.self.rpcAddr],
    };
  }

  /** host:port of agents that may be servers, the best known first. */
  serverAddresses(): string[] {
    const conf = this.#deps.raft?.status().conf;
    const members = conf
      ? [...conf.voters, ...conf.learners].map((id) => conf.addresses[id] ?? "")
      : [];
    const heard = [...this.#heard.values()].filter((p) => p.server && p.clusterId !== "");
    const known = [...members, ...heard.map((p) => p.rpcAddr)];
    // Who said that it is none is not asked as one.
    const others = new Set(
      [...this.#heard.values()].filter((p) => !p.server).map((p) => p.rpcAddr),
    );
    const maybe = [...this.#addresses].filter((address) => !others.has(address));
    return [...new Set([...known, ...maybe])].filter((a) => a !== "");
  }

  /** True while this machine's own server cannot answer, since it takes no part in Raft. */
  get isOutside(): boolean {
    return this.#deps.raft === null || this.#outside;
  }

  /** This machine's own server answers nothing: it takes no part, or its state must not be shown. */
  get isBeside(): boolean {
    return this.isOutside || this.#quarantine !== null;
  }

  /** Why its own server's state must not be shown, and what to do; "" = it may be. */
  get quarantine(): string {
    return this.#quarantine === null ? "" : describeQuarantine(this.#quarantine);
  }

  /** Nobody can answer then: asking the others would only go in circles. */
  get isForming(): boolean {
    return this.#deps.raft?.clusterId === "" && !this.isOutside;
  }

  /** `fn` is called when this machine's server turns out to be `isBeside`. */
  onBeside(fn: () => void): void {
    this.#becameBeside = fn;
  }

  start(): void {
    this.#controller?.start();
    void this.#round();
  }

  stop(): void {
    this.#stopped = true;
    this.#controller?.stop();
    this.#cancel?.();
  }

  /** Adds addresses to ask; answers how many of them replied. */
  async join(addresses: readonly string[]): Promise<{ joined: number; error: string }> {
    for (const address of addresses) this.#addresses.add(address);
    const asked = await Promise.allSettled(addresses.map((address) => this.#ask(address)));
    const failed = asked.find((r) => r.status === "rejected");
    if (this.#deps.raft?.clusterId === "") void this.#round();
    return {
      joined: asked.filter((r) => r.status === "fulfilled").length,
      error: failed?.status === "rejected" ? errorText(failed.reason) : "",
    };
  }

  /** Every agent known, asked just now; one that does not answer in time counts as failed. */
  async members(): Promise<readonly MemberInfo[]> {
    const own = this.identity();
    const asked = await this.#askAll();
    const alive = new Set<string>([own.id]);
    for (const result of asked) if (result.status === "fulfilled") alive.add(result.value.id);
    const status = this.#outside ? undefined : this.#deps.raft?.status();
    return listMembers({
      own,
      heard: [...this.#heard.values()],
      alive,
      voters: status?.conf.voters ?? [],
      standbys: status?.conf.learners ?? [],
      leader: status?.leader ?? "",
      now: this.#deps.clock.now(),
    });
  }

  #askAll(): Promise<PromiseSettledResult<AgentIdentity>[]> {
    const addresses = this.serverAddresses().filter((a) => a !== this.#options.self.rpcAddr);
    return Promise.allSettled(addresses.map((address) => this.#ask(address)));
  }

  #hear(identity: AgentIdentity): void {
    const { id, clusterId, rpcAddr } = identity;
    if (id === this.#options.self.id) return;
    const own = this.#deps.raft?.clusterId ?? "";
    if (own !== "" && clusterId !== "" && clusterId !== own) {
      this.#tell(`${identity.name} at ${rpcAddr} belongs to another cluster`);
      return;
    }
    // An address is one agent's: whoever was there before has begun anew with another id.
    for (const [other, heard] of this.#heard) {
      if (other !== id && heard.rpcAddr === rpcAddr) this.#heard.delete(other);
    }
    this.#heard.set(id, identity);
    this.#addresses.add(rpcAddr);
    for (const address of identity.peers) this.#addresses.add(address);
  }

  async #ask(address: string): Promise<AgentIdentity> {
    const peer = await this.#deps.peers.get(address);
    const answer = await peer.call<AgentIdentity, AgentIdentity>(Rpc.identify, this.identity(), {
      timeoutMs: ASK_TIMEOUT_MS,
    });
    this.#hear(answer);
    return answer;
  }

  /** Rounds go on for ever: often while this agent has no place, seldom once it has one. */
  async #round(): Promise<void> {
    if (this.#stopped || this.#rounding) return;
    this.#rounding = true;
    this.#cancel?.();
    const intervalMs = this.#isSettled() ? await this.#greet() : await this.#findPlace();
    this.#rounding = false;
    if (this.#stopped) return;
    const { clock } = this.#deps;
    this.#cancel = clock.setTimer(clock.now() + intervalMs, () => void this.#round());
  }

  /**
   * Whoever has begun anew at a silent member's address may know nobody to ask for a place: every
   * machine but the first is told of others. Milliseconds until the next round.
   */
  async #greet(): Promise<number> {
    const status = this.#deps.raft?.status();
    if (status?.role === "leader") {
      const { addresses } = status.conf;
      const silent = Object.entries(status.silentMs).filter(([, ms]) => ms >= MEMBER_INTERVAL_MS);
      await Promise.allSettled(silent.map(([id]) => this.#ask(addresses[id] ?? "")));
    }
    return MEMBER_INTERVAL_MS;
  }

  /** Milliseconds until the next round. */
  async #findPlace(): Promise<number> {
    const { raft } = this.#deps;
    const asked = await Promise.allSettled(this.#others().map((address) => this.#ask(address)));
    try {
      if (raft?.clusterId === "") await this.#decide(raft);
      else if (raft) await this.#askForPlace(raft);
    } catch (error) {
      this.#tell(errorText(error));
    }
    if (this.#outside) return OUTSIDE_INTERVAL_MS;
    if (raft) return raft.clusterId === "" ? FORMATION_INTERVAL_MS : MEMBER_INTERVAL_MS;
    const found = asked.some((one) => one.status === "fulfilled");
    return found ? OUTSIDE_INTERVAL_MS : FORMATION_INTERVAL_MS;
  }

  /** A member that hears a leader, which knows it under its address: there is nothing to ask. */
  #isSettled(): boolean {
    const { raft } = this.#deps;
    if (!raft || raft.clusterId === "" || this.#outside) return false;
    const known = raft.status().conf.addresses[raft.memberId];
    const isElsewhere = known !== undefined && known !== this.#options.self.rpcAddr;
    return !isElsewhere && this.#sight?.isLost() !== true;
  }

  /** A member whose machine got another address, or that hears no leader, asks the leader. */
  async #askForPlace(raft: RaftNode<unknown>): Promise<void> {
    const through = this.#leaderAddress() || this.#others()[0];
    if (through === undefined) return;
    const { isMember } = await this.#askToJoin(through);
    // Asked about the leader's own log: it knows better than what we have of it.
    if (raft.status().leader !== raft.memberId) this.#beOutside(!isMember);
  }

  /** As the others say, where we hear nobody lead ourselves. */
  #leaderAddress(): string {
    const { raft } = this.#deps;
    const own = raft?.status().leaderAddress ?? "";
    if (own !== "" && this.#sight?.isLost() !== true) return own;
    const best = newestLeader([...this.#heard.values()]);
    return best?.addresses[best.leader] ?? own;
  }

  #others(): string[] {
    return [...this.#addresses].filter((a) => a !== this.#options.self.rpcAddr);
  }

  async #decide(raft: RaftNode<unknown>): Promise<void> {
    const decision = decideFormation(this.identity(), [...this.#heard.values()]);
    if (decision.kind === "wait") {
      this.#tell(decision.reason);
    } else if (decision.kind === "form") {
      const { clusterId, voters } = decision;
      this.#deps.log("info", "forming the cluster", { voters: voters.length });
      await raft.bootstrap({ clusterId, voters });
    } else {
      // Asked before anything is written: until we are taken in we can begin again.
      const { isMember } = await this.#askToJoin(decision.through);
      if (isMember) {
        this.#deps.log("info", "joining a cluster", { through: decision.through });
        await raft.join({ clusterId: decision.clusterId });
      }
      this.#beOutside(!isMember);
    }
  }

  #beOutside(outside: boolean): void {
    const news = outside && !this.#outside;
    this.#outside = outside;
    if (!news) return;
    this.#tell("the cluster has all the servers it wants: working beside it");
    this.#becameBeside();
  }

  /** The leader wants this machine as a standby, and will add it once it waits for that. */
  async #takePart(clusterId: string): Promise<void> {
    const { raft, log } = this.#deps;
    // One that is still forming a cluster has asked nobody to be taken in.
    const asked = raft?.clusterId === "" ? this.#outside : raft?.clusterId === clusterId;
    if (!raft || !asked) {
      throw new DroverError("other-cluster", "this agent is no server of that cluster");
    }
    if (raft.clusterId === "") await raft.join({ clusterId });
    this.#outside = false;
    log("info", "wanted as a standby", { clusterId });
  }

  async #askToJoin(through: string): Promise<JoinReply> {
    const peer = await this.#deps.peers.get(through);
    return await peer.call<AgentIdentity, JoinReply>(Rpc.joinCluster, this.identity(), {
      timeoutMs: JOIN_TIMEOUT_MS,
    });
  }

  #tell(reason: string): void {
    if (reason === this.#lastReason) return;
    this.#lastReason = reason;
    this.#deps.log("info", "waiting for a cluster", { reason });
  }

  /** A server asks to be taken in; the leader decides, others pass it on. */
  async #admit(identity: AgentIdentity): Promise<JoinReply> {
    const { raft, peers } = this.#deps;
    if (!raft || raft.clusterId === "") {
      throw new DroverError("no-cluster", "this agent belongs to no cluster", { retryable: true });
    }
    if (identity.clusterId !== "" && identity.clusterId !== raft.clusterId) {
      throw new DroverError("other-cluster", `this is cluster ${raft.clusterId}`);
    }
    this.#hear(identity);
    if (raft.status().leader !== raft.memberId) {
      const leaderAddress = this.#leaderAddress();
      if (leaderAddress === "" || leaderAddress === this.#options.self.rpcAddr) {
        throw new DroverError("no-leader", "No cluster leader", { retryable: true });
      }
      const leader = await peers.get(leaderAddress);
      return await leader.call(Rpc.joinCluster, identity, { timeoutMs: JOIN_TIMEOUT_MS });
    }
    const { id, rpcAddr: address, datacenter: zone, level } = identity;
    if (level < raft.level) {
      const text = `the cluster is at feature level ${raft.level}, this program understands ${level}`;
      throw new DroverError("too-old", `${text}: start a newer version of it`);
    }
    const isMember = (await this.#controller?.admit({ id, address })) ?? false;
    if (isMember) this.#spares.forget(id);
    else this.#spares.asked({ id, address, zone, level });
    return { clusterId: raft.clusterId, isMember };
  }
}
