/**
 * The world an agent lives in, for tests: a clock that only moves when told, an engine of tasks
 * that outlives agents, a catalog, and servers that record what they are told.
 */
import type { Cancel, Clock } from "@drover/base";
import {
  type CatalogListener,
  type CatalogView,
  type CheckStatus,
  changedServices,
  type ServiceDiscovery,
  type ServiceSpec,
} from "@drover/discovery";
import {
  type DriverEventSink,
  type DriverFingerprint,
  type ExecSession,
  type FetchRequest,
  type PreparedTask,
  type TaskDriver,
  type TaskExit,
  type TaskHandle,
  type TaskIdentity,
  TaskStartError,
  type TaskStartRequest,
} from "@drover/drivers";
import type { AllocClientReport, Node, ServiceRegistration } from "@drover/model";
import type {
  OpenSessionReply,
  OpenSessionRequest,
  PushAllocs,
  PushImageHints,
} from "@drover/wire";
import type {
  HeartbeatReply,
  ServerLink,
  ServerLinkEvents,
  ServiceKey,
} from "../sync/server-link.ts";

export class FakeClock implements Clock {
  #now = 1_767_225_600_000;
  #timers = new Set<{ at: number; fn: () => void }>();

  now(): number {
    return this.#now;
  }

  setTimer(at: number, fn: () => void): Cancel {
    const timer = { at, fn };
    this.#timers.add(timer);
    // What is due already does not wait for the clock to move.
    queueMicrotask(() => {
      if (timer.at <= this.#now && this.#timers.delete(timer)) fn();
    });
    return () => this.#timers.delete(timer);
  }

  /** Fires what is due on the way, in order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#now = Math.max(this.#now, due.at);
      this.#timers.delete(due);
      due.fn();
    }
    this.#now = end;
  }
}

interface FakeTask {
  readonly request: TaskStartRequest;
  readonly handle: TaskHandle;
  exit: TaskExit | null;
  readonly waiters: (() => void)[];
}

/** Keeps running when an agent dies, as a container engine does. */
export class FakeDriver implements TaskDriver {
  readonly name = "mock_driver";
  readonly tasks = new Map<string, FakeTask>();
  readonly calls: string[] = [];
  readonly stops: { readonly killSignal: string; readonly timeoutMs: number }[] = [];
  /** Processes ever made. */
  created = 0;
  prepareError: TaskStartError | null = null;
  startError: TaskStartError | null = null;
  /** Set: `prepare` waits for it. */
  prepareGate: Promise<void> | null = null;
  /** Calls of `prepare` under way. */
  pulling = 0;
  ignoresStop = false;
  /** Images being fetched ahead, each until a test lets it end. */
  readonly fetching = new Map<string, { end(error?: TaskStartError): void }>();

  key(identity: TaskIdentity): string {
    return `${identity.allocId}/${identity.taskName}`;
  }

  running(): string[] {
    return [...this.tasks].filter(([, t]) => t.exit === null).map(([key]) => key);
  }

  finish(key: string, exitCode: number): void {
    const task = this.tasks.get(key);
    if (task === undefined || task.exit !== null) throw new Error(`${key} does not run`);
    task.exit = { exitCode, signal: 0, oomKilled: false, error: "", finishedAt: 0 };
    for (const wake of task.waiters.splice(0)) wake();
  }

  identities(): TaskIdentity[] {
    return [...this.tasks.values()].map((task) => task.handle.identity);
  }

  /** Something that runs, though no agent started it. */
  plant(identity: TaskIdentity): void {
    const handle = { driver: this.name, identity, driverState: 0, startedAt: 0 };
    const any = [...this.tasks.values()][0];
    if (any === undefined) throw new Error("plant beside a task that was started");
    this.tasks.set(this.key(identity), { ...any, handle, exit: null, waiters: [] });
  }

  async fingerprint(): Promise<DriverFingerprint> {
    const attributes = { "driver.mock_driver": "true" };
    return { detected: true, healthy: true, healthDescription: "Healthy", attributes };
  }

  images(config: Readonly<Record<string, unknown>>): readonly string[] {
    return typeof config.image === "string" ? [config.image] : [];
  }

  async prepare(
    request: TaskStartRequest,
    _events: DriverEventSink,
    signal: AbortSignal,
  ): Promise<PreparedTask> {
    this.calls.push(`prepare ${request.identity.taskName}`);
    if (this.prepareGate !== null) {
      const aborted = new Promise<never>((_resolve, reject) => {
        const stop = () => reject(new TaskStartError("aborted", "aborted", { retryable: true }));
        signal.addEventListener("abort", stop);
      });
      this.pulling++;
      try {
        await Promise.race([this.prepareGate, aborted]);
      } finally {
        this.pulling--;
      }
    }
    if (this.prepareError !== null) throw this.prepareError;
    return { imageDigest: this.images(request.config).length > 0 ? "sha256:1" : "" };
  }

  async fetch({ config, imageDigest }: FetchRequest, signal: AbortSignal): Promise<PreparedTask> {
    const [image = ""] = this.images(config);
    this.calls.push(`fetch ${image}${imageDigest && ` of ${imageDigest}`}`);
    try {
      await new Promise<void>((resolve, reject) => {
        this.fetching.set(image, { end: (error) => (error ? reject(error) : resolve()) });
        signal.addEventListener("abort", () => reject(new Error("aborted")));
      });
    } finally {
      this.fetching.delete(image);
    }
    return { imageDigest: imageDigest || "sha256:1" };
  }

  async start(request: TaskStartRequest): Promise<TaskHandle> {
    const key = this.key(request.identity);
    this.calls.push(`start ${request.identity.taskName}`);
    const known = this.tasks.get(key);
    if (known !== undefined && known.exit === null) return known.handle;
    if (this.startError !== null) throw this.startError;
    const handle: TaskHandle = {
      driver: this.name,
      identity: request.identity,
      driverState: ++this.created,
      startedAt: 0,
    };
    this.tasks.set(key, { request, handle, exit: null, waiters: [] });
    return handle;
  }

  async recover(handle: TaskHandle): Promise<TaskHandle | null> {
    this.calls.push(`recover ${handle.identity.taskName}`);
    return this.tasks.get(this.key(handle.identity))?.handle ?? null;
  }

  async wait(handle: TaskHandle, signal: AbortSignal): Promise<TaskExit> {
    const task = this.tasks.get(this.key(handle.identity));
    if (task === undefined) throw new Error("no such task");
    while (task.exit === null) {
      await new Promise<void>((resolve, reject) => {
        task.waiters.push(resolve);
        signal.addEventListener("abort", () => reject(new Error("aborted")));
      });
    }
    return task.exit;
  }

  async stop(
    handle: TaskHandle,
    options: { killSignal: string; timeoutMs: number },
  ): Promise<void> {
    const key = this.key(handle.identity);
    this.calls.push(`stop ${handle.identity.taskName}`);
    this.stops.push(options);
    if (this.ignoresStop) return;
    if (this.tasks.get(key)?.exit === null) this.finish(key, 0);
  }

  async destroy(identity: TaskIdentity): Promise<void> {
    this.calls.push(`destroy ${identity.taskName}`);
    const key = this.key(identity);
    if (this.tasks.get(key)?.exit === null) this.finish(key, 137);
    this.tasks.delete(key);
  }

  async signal(handle: TaskHandle, signal: string): Promise<void> {
    this.calls.push(`signal ${handle.identity.taskName} ${signal}`);
  }

  async stats(): Promise<null> {
    return null;
  }

  exec(): Promise<ExecSession> {
    return Promise.reject(new Error("exec is not part of this fake"));
  }

  async list(owner: { clusterId: string; nodeId: string }): Promise<readonly TaskIdentity[]> {
    return [...this.tasks.values()]
      .map((task) => task.handle.identity)
      .filter((id) => id.nodeId === owner.nodeId && id.clusterId === owner.clusterId);
  }

  async close(): Promise<void> {}
}

export class FakeDiscovery implements ServiceDiscovery {
  readonly provider: "consul" | "nomad";
  readonly services = new Map<string, ServiceSpec>();
  readonly log: string[] = [];
  /** What a check says that no test has set. */
  defaultStatus: CheckStatus = "passing";
  confirms = true;
  /** Set: what leaves is confirmed after it. */
  confirmGate: Promise<void> | null = null;
  visible = true;
  /** What it says of every service. */
  says = "";
  readonly #statuses = new Map<string, CheckStatus>();
  readonly #listeners = new Set<CatalogListener>();
  #told: CatalogView = { visible: true, checksByService: new Map() };

  constructor(provider: "consul" | "nomad" = "nomad") {
    this.provider = provider;
  }

  set(change: { visible?: boolean; status?: CheckStatus; serviceId?: string }): void {
    if (change.visible !== undefined) this.visible = change.visible;
    if (change.status !== undefined && change.serviceId !== undefined) {
      this.#statuses.set(change.serviceId, change.status);
    } else if (change.status !== undefined) this.defaultStatus = change.status;
    this.#tell();
  }

  async register(spec: ServiceSpec): Promise<void> {
    this.services.set(spec.id, spec);
    this.log.push(`register ${spec.name}`);
    this.#tell();
  }

  async deregister(id: string): Promise<{ confirmed: boolean }> {
    const name = this.services.get(id)?.name ?? id;
    this.log.push(`deregister ${name}`);
    this.services.delete(id);
    this.#tell();
    await this.confirmGate;
    return { confirmed: this.confirms };
  }

  view(): CatalogView {
    const checksByService = new Map(
      [...this.services.values()].map((spec) => [
        spec.id,
        spec.checks.map((check) => ({
          id: check.id,
          name: check.name,
          serviceId: spec.id,
          status: this.#statuses.get(spec.id) ?? this.defaultStatus,
          output: "",
          at: 0,
          statusCode: 200,
        })),
      ]),
    );
    return { visible: this.visible, checksByService };
  }

  subscribe(fn: CatalogListener): () => void {
    this.#listeners.add(fn);
    return () => this.#listeners.delete(fn);
  }

  trouble(): string {
    return this.says;
  }

  async reconcile(keep: ReadonlySet<string>): Promise<readonly string[]> {
    const gone = [...this.services.keys()].filter((id) => !keep.has(id));
    for (const id of gone) this.services.delete(id);
    return gone;
  }

  async fingerprint(): Promise<Readonly<Record<string, string>>> {
    return {};
  }

  async close(): Promise<void> {}

  #tell(): void {
    const view = this.view();
    const changed = changedServices(this.#told, view);
    this.#told = view;
    if (changed?.size === 0) return;
    for (const fn of [...this.#listeners]) fn(view, changed);
  }
}

/** Servers that accept everything, unless a test says otherwise. */
export class FakeLink implements ServerLink {
  readonly sessions: OpenSessionRequest[] = [];
  readonly batches: (readonly AllocClientReport[])[] = [];
  readonly reports = new Map<string, AllocClientReport>();
  readonly nodes: Node[] = [];
  heartbeats = 0;
  updateError: Error | null = null;
  heartbeatError: Error | null = null;
  isStale = false;
  drops: string[] = [];
  #events: ServerLinkEvents | null = null;
  readonly #autoConnect: boolean;

  constructor(autoConnect = true) {
    this.#autoConnect = autoConnect;
  }

  start(events: ServerLinkEvents): void {
    this.#events = events;
    if (this.#autoConnect) events.connected();
  }

  connect(): void {
    this.#events?.connected();
  }

  disconnect(): void {
    this.#events?.disconnected("test");
  }

  push(push: PushAllocs): void {
    // As it comes off a wire: nothing is shared with the sender.
    this.#events?.push(structuredClone(push));
  }

  hint(push: PushImageHints): void {
    this.#events?.hint(structuredClone(push));
  }

  async openSession(request: OpenSessionRequest): Promise<OpenSessionReply> {
    this.sessions.push(request);
    return { clusterId: "c1", epoch: 1, heartbeatTtlMs: 10_000, servers: [] };
  }

  async updateNode(node: Node): Promise<void> {
    this.nodes.push(node);
  }

  async heartbeat(): Promise<HeartbeatReply> {
    if (this.heartbeatError !== null) throw this.heartbeatError;
    this.heartbeats++;
    return { heartbeatTtlMs: 10_000, isStale: this.isStale };
  }

  async updateAllocs(_nodeId: string, reports: readonly AllocClientReport[]): Promise<void> {
    if (this.updateError !== null) throw this.updateError;
    this.batches.push(reports);
    for (const report of structuredClone(reports)) {
      const known = this.reports.get(report.id);
      if (known === undefined || report.clientSeq >= known.clientSeq) {
        this.reports.set(report.id, report);
      }
    }
  }

  async upsertServices(_registrations: readonly ServiceRegistration[]): Promise<void> {}
  async deleteServices(_ids: readonly ServiceKey[]): Promise<void> {}

  drop(reason: string): void {
    this.drops.push(reason);
  }

  async close(): Promise<void> {
    this.#events = null;
  }
}
