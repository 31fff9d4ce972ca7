/**
 * Who the other agents are: identities are exchanged when a cluster forms or grows, and asked for
 * when somebody wants the list of members. Nothing runs in the background once a cluster exists.
 */
import { createHash } from "node:crypto";
import { type Cancel, type Clock, DroverError, errorText } from "@drover/base";
import type { Log } from "@drover/server";
import { type PeerPool, type Router, Rpc } from "@drover/wire";
import type { RaftNode } from "@raft/node-raft";
import type { MemberInfo } from "../agent-info.ts";
import { decideFormation } from "./decide-formation.ts";
import { decideRoles, takesPart } from "./decide-roles.ts";
import type { AgentIdentity } from "./identity.ts";

const FORMATION_INTERVAL_MS = 200;
const ASK_TIMEOUT_MS = 1_000;
const JOIN_TIMEOUT_MS = 10_000;
const ROLES_RETRY_MS = 500;

export interface ClusterOptions {
  readonly self: Omit<
    AgentIdentity,
    "clusterId" | "known" | "voters" | "leader" | "term" | "lastIndex" | "peers"
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
    const heard = [...this.#heard.values()].filter((p) => p.server).map((p) => p.rpcAddr);
    return [...new Set([...members, ...heard, ...this.#addresses])].filter((a) => a !== "");
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
    const all = new Map([...this.#heard, [own.id, own] as const]);
    const conf = this.#deps.raft?.status().conf;
    const leader = this.#deps.raft?.status().leader || this.#leaderHeard();
    const voters = new Set(conf?.voters ?? own.voters);
    if (!conf) for (const peer of all.values()) for (const id of peer.voters) voters.add(id);
    return [...all.values()]
      .map((peer) => ({
        id: peer.id,
        name: peer.name,
        rpcAddr: peer.rpcAddr,
        httpAddr: peer.httpAddr,
        datacenter: peer.datacenter,
        server: peer.server,
        client: peer.client,
        voter: voters.has(peer.id),
        leader: peer.id === leader,
        alive: alive.has(peer.id),
        term: peer.term,
        lastIndex: peer.lastIndex,
        since: 0,
        expect: peer.expect,
        bootstrap: peer.expect === 1,
      }))
      .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }

  #leaderHeard(): string {
    let best: AgentIdentity | undefined;
    for (const peer of this.#heard.values()) {
      if (peer.leader !== "" && (!best || peer.term > best.term)) best = peer;
    }
    return best?.leader ?? "";
  }

  #hear(identity: AgentIdentity): void {
    if (identity.id === this.#options.self.id) return;
    this.#heard.set(identity.id, identity);
    this.#addresses.add(identity.rpcAddr);
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

  /** One round of asking everyone; goes on until this server belongs to a cluster. */
  async #round(): Promise<void> {
    const { raft, clock } = this.#deps;
    if (this.#stopped || raft?.clusterId !== "") {
      if (!raft && !this.#stopped)
        await Promise.allSettled(this.#others().map((a) => this.#ask(a)));
      return;
    }
    this.#cancel?.();
    await Promise.allSettled(this.#others().map((address) => this.#ask(address)));
    try {
      await this.#decide(raft);
    } catch (error) {
      this.#tell(errorText(error));
    }
    if (raft.clusterId === "" && !this.#stopped) {
      this.#cancel = clock.setTimer(clock.now() + FORMATION_INTERVAL_MS, () => void this.#round());
    }
  }

  #others(): string[] {
    return [...this.#addresses].filter((a) => a !== this.#options.self.rpcAddr);
  }

  async #decide(raft: RaftNode<unknown>): Promise<void> {
    const decision = decideFormation(this.identity(), [...this.#heard.values()]);
    if (decision.kind === "wait") {
      this.#tell(decision.reason);
    } else if (decision.kind === "form") {
      const clusterId = clusterIdOf(decision.voters.map((v) => v.id));
      this.#deps.log("info", "forming the cluster", { voters: decision.voters.length });
      await raft.bootstrap({ clusterId, voters: decision.voters });
    } else {
      this.#deps.log("info", "joining a cluster", { through: decision.through });
      await raft.join({ clusterId: decision.clusterId });
      const peer = await this.#deps.peers.get(decision.through);
      await peer.call(Rpc.joinCluster, this.identity(), { timeoutMs: JOIN_TIMEOUT_MS });
    }
  }

  #tell(reason: string): void {
    if (reason === this.#lastReason) return;
    this.#lastReason = reason;
    this.#deps.log("info", "waiting for a cluster", { reason });
  }

  /** A server asks to be taken in; the leader decides, others pass it on. */
  async #admit(identity: AgentIdentity): Promise<{ clusterId: string }> {
    const { raft, peers } = this.#deps;
    if (!raft || raft.clusterId === "") {
      throw new DroverError("no-cluster", "this agent belongs to no cluster", { retryable: true });
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
    const known = [...status.conf.voters, ...status.conf.learners].includes(identity.id);
    if (!known && takesPart(status.conf)) {
      await raft.changeMembership({
        addLearners: [{ id: identity.id, address: identity.rpcAddr }],
        expectConfIndex: status.confIndex,
      });
    }
    void this.#settleRoles();
    return { clusterId: raft.clusterId };
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
      again = status.conf.learners.length > 0 && status.conf.voters.length < 3;
      if (decision.kind === "none") return;
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
      if (again && !this.#stopped && raft.status().conf.learners.length > 1) {
        clock.setTimer(clock.now() + ROLES_RETRY_MS, () => void this.#settleRoles());
      }
    }
  }
}

/** The same for everyone who formed the cluster: derived from the ids of its first voters. */
function clusterIdOf(ids: readonly string[]): string {
  const hex = createHash("sha256").update(ids.join(",")).digest("hex");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20, 32),
  ].join("-");
}
