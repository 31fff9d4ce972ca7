/**
 * The node agent (DESIGN §9): one session to the servers, one runner per allocation. Whatever it
 * must not forget is in its data directory; killing it stops no task.
 */
import { join } from "node:path";
import { type Cancel, DroverError, errorText } from "@drover/base";
import type { CatalogListener, CheckResult, ServiceDiscovery } from "@drover/discovery";
import type { ExecSession, TaskDriver } from "@drover/drivers";
import type { Node, Reason } from "@drover/model";
import type { PushAllocs } from "@drover/wire";
import { resetTracking } from "./core/advance-alloc.ts";
import { type AllocChange, decidePush, type PushedAlloc } from "./core/decide-push.ts";
import { PortHolders } from "./core/port-holders.ts";
import { SharedJobs } from "./core/shared-jobs.ts";
import { Fingerprinter } from "./fingerprint/fingerprinter.ts";
import { AllocControl, type AllocStats } from "./local/alloc-control.ts";
import { AllocFs } from "./local/alloc-fs.ts";
import { AllocCollector } from "./local/collect-allocs.ts";
import { type HostStats, HostStatsReader } from "./local/host-stats.ts";
import type { ClientDeps, ClientOptions } from "./options.ts";
import { AllocRunner } from "./runner/alloc-runner.ts";
import { ImageFetcher } from "./runner/image-fetcher.ts";
import { reapOrphans } from "./runner/reap-orphans.ts";
import type { RunnerDeps } from "./runner/runner-deps.ts";
import { type AllocRecord, newAllocRecord, runs, runsDetachedMs } from "./state/alloc-record.ts";
import type { AllocStore } from "./state/alloc-store.ts";
import { type ClientDisk, nodeDisk } from "./state/client-disk.ts";
import { loadNodeIdentity } from "./state/identity.ts";
import { SeenIndex } from "./state/seen-index.ts";
import { AllocUpdates } from "./sync/alloc-updates.ts";
import { Session } from "./sync/session.ts";

interface Parts {
  readonly fingerprinter: Fingerprinter;
  readonly seen: SeenIndex;
  readonly store: AllocStore;
  readonly disk: ClientDisk;
}

export class ClientAgent {
  readonly #options: ClientOptions;
  readonly #deps: ClientDeps;
  readonly #drivers: ReadonlyMap<string, TaskDriver>;
  readonly #runners = new Map<string, AllocRunner>();
  readonly #ports = new PortHolders();
  readonly #jobs = new SharedJobs();
  readonly #updates: AllocUpdates;
  readonly #session: Session;
  readonly #fetcher: ImageFetcher;
  readonly #collector: AllocCollector<AllocRunner>;
  readonly #fingerprinter: Fingerprinter;
  readonly #seen: SeenIndex;
  readonly #store: AllocStore;
  readonly #disk: ClientDisk;
  readonly #unsubscribe: (() => void)[] = [];
  readonly #hostStats: HostStatsReader;
  /** Files and logs of allocations. */
  readonly fs: AllocFs;
  readonly #control: AllocControl;
  #reaped = false;
  /** Allocations that are being worked on. */
  #busy = 0;
  #detachedTimer: Cancel | null = null;
  #stopping = false;
  #closed = false;

  constructor(options: ClientOptions, deps: ClientDeps, parts: Parts) {
    this.#options = options;
    this.#deps = deps;
    this.#drivers = new Map(deps.drivers.map((driver) => [driver.name, driver]));
    this.#fingerprinter = parts.fingerprinter;
    this.#seen = parts.seen;
    this.#store = parts.store;
    this.#disk = parts.disk;
    const { clock, random, log, link } = deps;
    this.#updates = new AllocUpdates({
      clock,
      random: random.fork("alloc-updates"),
      log,
      send: (reports) => link.updateAllocs(this.node.id, reports),
      report: (id) => this.#runners.get(id)?.report() ?? null,
      busy: () => this.#busy > 0,
    });
    this.#session = new Session({
      clock,
      random: random.fork("session"),
      log,
      link,
      request: () => this.#sessionRequest(),
      node: () => this.node,
      stale: () => this.#sendNode(this.node),
      opened: () => {
        this.#detachedTimer?.();
        this.#updates.online();
      },
      lost: () => {
        this.#updates.offline();
        this.#watchDetached();
      },
      push: (push) => this.#receive(push),
      hint: (push) => this.#fetcher.want(push),
    });
    this.#fetcher = this.#createFetcher();
    this.#collector = new AllocCollector({
      clock,
      log,
      allocs: () => this.#runners.values(),
      keep: options.gcMaxAllocs,
    });
    const local = this.#localParts();
    this.fs = local.fs;
    this.#control = local.control;
    this.#hostStats = local.hostStats;
  }

  #localParts() {
    const { clock, discoveries } = this.#deps;
    const runner = (id: string) => this.#known(id);
    return {
      fs: new AllocFs({
        clock,
        root: (id) => runner(id).paths.root,
        tasks: (id) => Object.keys(runner(id).record.tasks),
      }),
      control: new AllocControl({ runner, discoveries, now: () => clock.now() }),
      hostStats: new HostStatsReader({
        allocDir: join(this.#options.dataDir, "alloc"),
        frequencyMhz: Number(this.node.attributes["cpu.frequency"] ?? 0),
      }),
    };
  }

  #createFetcher(): ImageFetcher {
    const { clock, random, log } = this.#deps;
    return new ImageFetcher({
      clock,
      random: random.fork("image-fetcher"),
      log,
      node: () => this.node,
      driver: (name) => this.#drivers.get(name),
      imagesPresent: (digests) => this.#fingerprinter.imagesPresent(digests),
      isHere: (version) => [...this.#runners.values()].some((each) => runs(each.record, version)),
    });
  }

  get node(): Node {
    return this.#fingerprinter.node;
  }

  get connected(): boolean {
    return this.#session.isOpen;
  }

  /** Epoch ms of the last answered heartbeat. */
  get lastHeartbeatAt(): number {
    return this.#session.lastHeardAt;
  }

  runner(allocId: string): AllocRunner | undefined {
    return this.#runners.get(allocId);
  }

  get allocIds(): readonly string[] {
    return [...this.#runners.keys()];
  }

  get nodeId(): string {
    return this.node.id;
  }

  /** `task` "" = all of its tasks. */
  allocStats(allocId: string, task = ""): Promise<AllocStats> {
    return this.#control.stats(allocId, task);
  }

  allocChecks(allocId: string): readonly CheckResult[] {
    return this.#control.checks(allocId);
  }

  /** Why it is not where it is to be; empty = it is. */
  allocWhy(allocId: string): readonly Reason[] {
    return this.#control.why(allocId);
  }

  restart(allocId: string, request: { task: string; allTasks: boolean }): Promise<void> {
    return this.#control.restart(allocId, request);
  }

  signal(allocId: string, request: { task: string; signal: string }): Promise<void> {
    return this.#control.signal(allocId, request);
  }

  exec(
    allocId: string,
    request: { task: string; command: readonly string[]; tty: boolean },
  ): Promise<ExecSession> {
    return this.#control.exec(allocId, request);
  }

  /** Gives the session up for one with another of the servers known now. */
  reconnect(reason: string): void {
    this.#deps.link.drop(reason);
  }

  hostStats(): Promise<HostStats> {
    return this.#hostStats.read(this.#deps.clock.now());
  }

  /** Removes the directories of ended allocations; `allocId` "" = of all. */
  async gc(allocId = ""): Promise<void> {
    if (allocId !== "" && this.#known(allocId).record.stage.kind !== "done") {
      throw new DroverError("still-running", `allocation ${allocId} has not ended`);
    }
    await this.#collector.collect(0, allocId);
  }

  /** Restores what an earlier agent left, then connects. */
  async start(): Promise<void> {
    const { records, damaged } = await this.#store.load();
    for (const path of damaged) this.#deps.log("error", "allocation state is damaged", { path });
    const runners = records.map((record) => this.#addRunner(record, true));
    for (const runner of runners) {
      runner.claimRestored();
      // An image that is in use is there.
      if (runner.record.stage.kind !== "done") {
        this.#fingerprinter.imagesPresent(runner.record.imageDigests);
      }
    }
    for (const runner of runners) {
      runner.start();
      this.#updates.changed(runner.record.alloc.id, true);
    }
    for (const discovery of this.#deps.discoveries) {
      const tell: CatalogListener = (_view, changed) => {
        for (const runner of this.#runners.values()) {
          if (changed === null || runner.services.has(changed)) runner.catalogChanged();
        }
      };
      this.#unsubscribe.push(discovery.subscribe(tell));
    }
    this.#fingerprinter.start((node) => this.#sendNode(node));
    this.#session.start();
  }

  /** Leaves tasks running, unless configured otherwise. Closes discoveries and drivers too. */
  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    if (this.#options.killTasksOnStop) await this.#killAll();
    this.#closed = true;
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#fingerprinter.stop();
    this.#collector.stop();
    this.#fetcher.close();
    this.#detachedTimer?.();
    await Promise.all([...this.#runners.values()].map((runner) => runner.close()));
    await this.#session.close();
    await this.#seen.settled();
    await this.#store.close();
    for (const part of [...this.#deps.discoveries, ...this.#deps.drivers]) await part.close();
  }

  async #sessionRequest() {
    const { epoch, index, clusterId } = this.#seen.current;
    const node = this.node;
    return {
      clusterId: this.#options.clusterId === "" ? clusterId : this.#options.clusterId,
      node,
      secretId: node.secretId,
      seenIndex: index,
      seenEpoch: epoch,
      // So that what was purged while this node was away can get its tombstone.
      allocIds: this.allocIds,
    };
  }

  #sendNode(node: Node): void {
    if (!this.#session.isOpen) return;
    this.#deps.link.updateNode(node).catch((error: unknown) => {
      // The next heartbeat shows that it is not known.
      this.#deps.log("warn", "updating the node failed", { error: errorText(error) });
    });
  }

  #receive(push: PushAllocs): void {
    // The server of a development agent replaces at once what its client stops on the way down.
    if (this.#stopping) return;
    const { clusterId, epoch, index } = push;
    if (!this.#seen.accept({ clusterId, epoch, index })) {
      const seen = this.#seen.current;
      this.#deps.log("warn", "a push from the past was refused", { clusterId, epoch, index, seen });
      return;
    }
    const changes = decidePush({
      nodeId: this.node.id,
      has: (id) => this.#runners.has(id),
      allocs: (push.allocs as readonly PushedAlloc[]).map(({ alloc, job }) => ({
        alloc,
        job: job && this.#jobs.share(job),
      })),
      removed: push.removed,
    });
    for (const change of changes) {
      if (change.kind === "remove") this.#runners.get(change.allocId)?.remove();
      else if (change.kind === "update") {
        this.#runners.get(change.want.alloc.id)?.want(change.want.alloc, change.want.job);
      } else {
        const now = this.#deps.clock.now();
        const record = resetTracking(newAllocRecord({ ...change.want, now }), now);
        this.#addRunner(record, false).start();
      }
    }
    if (push.complete) this.#complete(new Set(changes.map(allocOf)));
  }

  /** Absence stops nothing; but what has ended here and is unknown there can be forgotten. */
  #complete(present: ReadonlySet<string>): void {
    for (const [id, runner] of this.#runners) {
      if (!present.has(id) && runner.record.stage.kind === "done") runner.remove();
    }
    if (this.#reaped) return;
    this.#reaped = true;
    void this.#reap();
  }

  async #reap(): Promise<void> {
    await reapOrphans(
      { clusterId: this.#clusterId(), nodeId: this.node.id },
      {
        drivers: this.#deps.drivers,
        discoveries: this.#deps.discoveries,
        log: this.#deps.log,
        hasAlloc: (id) => this.#runners.has(id),
        serviceIds: () => [...this.#runners.values()].flatMap((runner) => runner.services.ids),
      },
    );
  }

  /** Some jobs ask to be stopped when their node has lost the servers for too long. */
  #watchDetached(): void {
    if (this.#closed) return;
    const { clock } = this.#deps;
    const lost = this.#session.lastHeardAt;
    let next = Number.POSITIVE_INFINITY;
    for (const runner of this.#runners.values()) {
      const at = lost + runsDetachedMs(runner.record);
      if (clock.now() >= at) runner.cutOff("stopped: no server could be reached");
      else next = Math.min(next, at);
    }
    this.#detachedTimer?.();
    if (next === Number.POSITIVE_INFINITY) return;
    this.#detachedTimer = clock.setTimer(next, () => this.#watchDetached());
  }

  #known(allocId: string): AllocRunner {
    const runner = this.#runners.get(allocId);
    if (runner !== undefined) return runner;
    throw new DroverError("unknown-alloc", `Unknown allocation ${JSON.stringify(allocId)}`);
  }

  #clusterId(): string {
    const configured = this.#options.clusterId;
    return configured === "" ? this.#seen.current.clusterId : configured;
  }

  #addRunner(record: AllocRecord, restored: boolean): AllocRunner {
    const { maxKillTimeoutMs, deregisterAckTimeoutMs, consumerGraceMs, hostAddress } =
      this.#options;
    const runner = new AllocRunner(
      {
        allocBase: join(this.#options.dataDir, "alloc"),
        hostAddress,
        maxKillTimeoutMs,
        deregisterAckTimeoutMs,
        consumerGraceMs,
      },
      this.#runnerDeps(),
      { record, restored },
    );
    this.#runners.set(record.alloc.id, runner);
    return runner;
  }

  #runnerDeps(): RunnerDeps {
    return {
      clock: this.#deps.clock,
      random: this.#deps.random,
      log: this.#deps.log,
      store: this.#store,
      disk: this.#disk,
      ports: this.#ports,
      node: () => this.node,
      clusterId: () => this.#clusterId(),
      driver: (name) => this.#drivers.get(name),
      discovery: (provider) => this.#discovery(provider),
      changed: (id, urgent) => {
        this.#updates.changed(id, urgent);
        this.#fetcher.review();
      },
      working: (begins) => {
        this.#busy += begins ? 1 : -1;
        if (this.#busy === 0) this.#updates.settled();
      },
      ended: () => this.#collector.ended(),
      forgotten: (id) => {
        void this.#runners.get(id)?.close();
        this.#runners.delete(id);
      },
      imagesPresent: (digests) => this.#fingerprinter.imagesPresent(digests),
    };
  }

  /** Without Consul the built-in catalog takes its services as well. */
  #discovery(provider: string): ServiceDiscovery {
    const all = this.#deps.discoveries;
    const found = all.find((d) => d.provider === provider) ?? all[0];
    if (found === undefined) throw new Error("the agent has no service discovery");
    return found;
  }

  async #killAll(): Promise<void> {
    const running = [...this.#runners.values()];
    for (const runner of running) runner.kill();
    await Promise.all(running.map((runner) => runner.done()));
  }
}

function allocOf(change: AllocChange): string {
  return change.kind === "remove" ? change.allocId : change.want.alloc.id;
}

/** Reads the data directory, fingerprints the machine, restores and connects. */
export async function startClient(options: ClientOptions, deps: ClientDeps): Promise<ClientAgent> {
  const home = join(options.dataDir, "client");
  const disk = deps.disk ?? nodeDisk;
  const { clock } = deps;
  await disk.makeDirectory(options.dataDir, 0o755);
  await disk.makeDirectory(home, 0o700);
  await disk.makeDirectory(join(options.dataDir, "alloc"), 0o711);
  const identity = await loadNodeIdentity(options.dataDir, disk);
  const seen = await SeenIndex.load(join(home, "seen.json"), options.clusterId, { clock, disk });
  const store = deps.store ?? disk.openAllocs(join(home, "allocs.log"));
  const fingerprinter = await Fingerprinter.create(options, { ...deps, identity, disk });
  const agent = new ClientAgent(options, deps, { fingerprinter, seen, store, disk });
  await agent.start();
  return agent;
}
