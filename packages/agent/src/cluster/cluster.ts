/**
 * Who the other agents are: identities are exchanged when a cluster forms or grows, and asked for
 * when somebody wants the list of members. Nothing runs in the background once a cluster exists.
 */
import { type Cancel, type Clock, DroverError, errorText } from "@drover/base";
import type { Log } from "@drover/server";
import { type PeerPool, type Router, Rpc } from "@drover/wire";
import type { RaftNode } from "@raft/node-raft";
import type { MemberInfo } from "../agent-info.ts";
import { decideFormation } from "./decide-formation.ts";
import { decideRoles, takesPart } from "./decide-roles.ts";
import type { AgentIdentity } from "./identity.ts";
import { listMembers } from "./member-list.ts";

const FORMATION_INTERVAL_MS = 200;
const ASK_TIMEOUT_MS = 1_000;
const JOIN_TIMEOUT_MS = 10_000;
const ROLES_RETRY_MS = 500;
/** An agent outside Raft looks for new servers, and whether it is wanted as one. */
const OUTSIDE_INTERVAL_MS = 10_000;

interface JoinReply {
  readonly clusterId: string;
  readonly isMember: boolean;
}

export interface ClusterOptions {
  readonly self: Omit<
    AgentIdentity,
    "clusterId" | "known" | "voters" | "addresses" | "leader" | "term" | "lastIndex" | "peers"
  >;
  /** host:port of agents to begin with. */
  readonly join: readonly string[];
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
  #cancel: Cancel | null = null;
  #rolesRunning = false;
  #lastReason = "";
  #stopped = false;
  #rounding = false;
  /** The cluster has told us that it wants no more servers. */
  #outside = false;
  #becameOutside: () => void = () => undefined;

  constructor(options: ClusterOptions, deps: ClusterDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#addresses = new Set(options.join);
    deps.router.handle(Rpc.identify, async (payload) => {
      this.#hear(payload as AgentIdentity);
      return this.identity();
    });
    deps.router.handle(Rpc.joinCluster, (payload) => this.#admit(payload as AgentIdentity));
    deps.raft?.on("leadership", (state) => {
      if (state.self) void this.#settleRoles();
    });
  }

  identity(): AgentIdentity {
    const { raft } = this.#deps;
    const status = raft?.status();
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

  /** `fn` is called when this machine's server turns out to take no part in Raft. */
  onOutside(fn: () => void): void {
    this.#becameOutside = fn;
  }

  start(): void {
    void this.#round();
  }

  stop(): void {
    this.#stopped = true;
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
    const addresses = this.serverAddresses().filter((a) => a !== own.rpcAddr);
    const asked = await Promise.allSettled(addresses.map((address) => this.#ask(address)));
    const alive = new Set<string>([own.id]);
    for (const result of asked) if (result.status === "fulfilled") alive.add(result.value.id);
    const status = this.#deps.raft?.status();
    return listMembers({
      own,
      heard: [...this.#heard.values()],
      alive,
      voters: status?.conf.voters ?? [],
      leader: status?.leader ?? "",
    });
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

  /** Rounds go on until this agent has found its place; outside Raft, seldom, for ever. */
  async #round(): Promise<void> {
    if (this.#stopped || this.#rounding || this.#isSettled()) return;
    this.#rounding = true;
    this.#cancel?.();
    const { raft, clock } = this.#deps;
    const asked = await Promise.allSettled(this.#others().map((address) => this.#ask(address)));
    try {
      if (raft?.clusterId === "") await this.#decide(raft);
      else if (raft) await this.#moveAddress(raft);
    } catch (error) {
      this.#tell(errorText(error));
    }
    this.#rounding = false;
    if (this.#stopped || this.#isSettled()) return;
    const found = this.#outside || (!raft && asked.some((one) => one.status === "fulfilled"));
    const intervalMs = found ? OUTSIDE_INTERVAL_MS : FORMATION_INTERVAL_MS;
    this.#cancel = clock.setTimer(clock.now() + intervalMs, () => void this.#round());
  }

  /** A member that the others know under its address: nothing runs in the background. */
  #isSettled(): boolean {
    const { raft } = this.#deps;
    if (!raft || raft.clusterId === "") return false;
    const known = raft.status().conf.addresses[raft.memberId];
    return known === undefined || known === this.#options.self.rpcAddr;
  }

  /** A member whose machine got another address tells the leader. */
  async #moveAddress(raft: RaftNode<unknown>): Promise<void> {
    const { leaderAddress } = raft.status();
    const through = leaderAddress === "" ? this.#others()[0] : leaderAddress;
    if (through !== undefined) await this.#askToJoin(through);
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
      const news = !isMember && !this.#outside;
      this.#outside = !isMember;
      if (news) this.#becameOutside();
      if (!isMember) this.#tell("the cluster has all the servers it wants: working beside it");
    }
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
    const status = raft.status();
    if (status.leader !== raft.memberId) {
      if (status.leaderAddress === "") {
        throw new DroverError("no-leader", "No cluster leader", { retryable: true });
      }
      const leader = await peers.get(status.leaderAddress);
      return await leader.call(Rpc.joinCluster, identity, { timeoutMs: JOIN_TIMEOUT_MS });
    }
    const isMember = await this.#addOrMove(raft, identity);
    void this.#settleRoles();
    return { clusterId: raft.clusterId, isMember };
  }

  /** False = the cluster has all the members it wants. */
  async #addOrMove(raft: RaftNode<unknown>, identity: AgentIdentity): Promise<boolean> {
    const { conf, confIndex } = raft.status();
    const member = { id: identity.id, address: identity.rpcAddr };
    const isVoter = conf.voters.includes(member.id);
    const isKnown = isVoter || conf.learners.includes(member.id);
    if (isKnown && conf.addresses[member.id] === member.address) return true;
    if (!isKnown && !takesPart(conf)) return false;
    await raft.changeMembership({
      ...(isVoter ? { addVoters: [member] } : { addLearners: [member] }),
      expectConfIndex: confIndex,
    });
    return true;
  }

  /** Leader: promotes standbys until the voters are complete, one change at a time. */
  async #settleRoles(): Promise<void> {
    const { raft, clock, log } = this.#deps;
    if (!raft || this.#rolesRunning || this.#stopped) return;
    this.#rolesRunning = true;
    let again = false;
    try {
      const status = raft.status();
      if (status.leader !== raft.memberId) return;
      const caughtUp = status.conf.learners.filter((id) => {
        const progress = status.progress[id];
        return progress?.active === true && progress.match >= status.commit - 10;
      });
      const decision = decideRoles({ ...status.conf, caughtUp });
      again = decision.kind === "wait";
      if (decision.kind !== "promote") return;
      const addVoters = decision.ids.map((id) => ({
        id,
        address: status.conf.addresses[id] ?? "",
      }));
      await raft.changeMembership({ addVoters, expectConfIndex: status.confIndex });
      log("info", "standbys vote now", { count: addVoters.length });
    } catch (error) {
      log("warn", "changing the voters failed", { error: errorText(error) });
      again = true;
    } finally {
      this.#rolesRunning = false;
      if (again && !this.#stopped) {
        clock.setTimer(clock.now() + ROLES_RETRY_MS, () => void this.#settleRoles());
      }
    }
  }
}
