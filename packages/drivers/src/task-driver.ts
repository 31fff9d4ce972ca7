/**
 * The contract between the task runner and whatever runs a task (DESIGN §9). One driver instance
 * per agent. Every method may be called for many tasks at once, but never twice at once for the
 * same task. A driver keeps no state that a `kill -9` of the agent would lose: everything it needs
 * to find the task again is in the deterministic name and the `TaskHandle`.
 */
import type { Json, Task } from "@drover/model";

/** What identifies a task everywhere: container name, labels, directories. */
export interface TaskIdentity {
  readonly clusterId: string;
  readonly nodeId: string;
  readonly allocId: string;
  readonly taskName: string;
  readonly namespace: string;
  readonly jobId: string;
  readonly groupName: string;
}

export interface PortMapping {
  readonly label: string;
  /** Port on the host. */
  readonly value: number;
  /** Port inside the task's network; 0 = the same. */
  readonly to: number;
  readonly hostIp: string;
}

export interface TaskStartRequest {
  readonly identity: TaskIdentity;
  readonly task: Task;
  /** `task.config` after interpolation of `${NOMAD_…}`, `${env…}`, `${attr…}`, `${meta…}`. */
  readonly config: Readonly<Record<string, Json>>;
  readonly env: Readonly<Record<string, string>>;
  readonly ports: readonly PortMapping[];
  /** Mode of the group's network; "" or "host" unless the group says otherwise. */
  readonly networkMode: string;
  /** The directory all tasks of the allocation share; a container sees it as `/alloc`. */
  readonly allocDir: string;
  /**
   * The task's own directory. `local` and `secrets` in it are what a container sees as `/local`
   * and `/secrets`; a driver with containers sets `NOMAD_ALLOC_DIR`, `NOMAD_TASK_DIR` and
   * `NOMAD_SECRETS_DIR` to those paths itself.
   */
  readonly taskDir: string;
  /** Where `<task>.stdout.0` and `<task>.stderr.0` go; made by the driver when missing. */
  readonly logDir: string;
  /** Cgroup and driver limits. */
  readonly cpuShares: number;
  readonly memoryMb: number;
  readonly memoryMaxMb: number;
  /** Digest that the version's first start resolved this image to; "" = resolve the tag. */
  readonly imageDigest: string;
}

/** The part of a start request that is known before there is an allocation. */
export type FetchRequest = Pick<TaskStartRequest, "config" | "imageDigest">;

/** Where a driver's own network puts the task; for services with address mode `driver` or `auto`. */
export interface DriverNetwork {
  readonly ip: string;
  /** Port label → port inside the driver's network. */
  readonly portMap: Readonly<Record<string, number>>;
  /** `auto` should advertise this address rather than the host's. */
  readonly autoAdvertise: boolean;
}

/** Enough to find the task again after the agent restarted. Stored by the client as JSON. */
export interface TaskHandle {
  readonly driver: string;
  readonly identity: TaskIdentity;
  /** Container id or executor pid + start time, as the driver likes. */
  readonly driverState: Json;
  /** Epoch ms. */
  readonly startedAt: number;
  /** Absent when the task uses the host's network. */
  readonly network?: DriverNetwork;
}

export interface TaskExit {
  readonly exitCode: number;
  readonly signal: number;
  readonly oomKilled: boolean;
  /** Non-empty when the driver cannot say how the task ended. */
  readonly error: string;
  /** Epoch ms. */
  readonly finishedAt: number;
  /** What the driver says of the exit, for the `Exit Message` of the Terminated event. */
  readonly message?: string;
  /**
   * The task ended while the driver's daemon was away: a fault of the daemon rather than of the
   * task (DESIGN §9); restart it without counting it against the restart policy.
   */
  readonly duringOutage?: boolean;
}

/** Why a task could not be prepared or started. */
export class TaskStartError extends Error {
  override readonly name = "TaskStartError";
  /** False for an error that names the version (no such image, bad entrypoint): never retried. */
  readonly retryable: boolean;
  readonly code: string;
  constructor(code: string, message: string, options: { retryable: boolean; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable;
  }
}

export interface DriverFingerprint {
  readonly detected: boolean;
  readonly healthy: boolean;
  readonly healthDescription: string;
  /** Node attributes, e.g. `driver.docker.version`. */
  readonly attributes: Readonly<Record<string, string>>;
}

export interface PreparedTask {
  /**
   * What the image resolved to, to be given back as `imageDigest`; "" when the driver has no
   * images. `repository@sha256:…` where a registry knows it, else the bare id `sha256:…`.
   */
  readonly imageDigest: string;
}

export interface TaskStats {
  readonly cpuPercent: number;
  readonly cpuTotalTicks: number;
  readonly memoryRssBytes: number;
  readonly memoryUsageBytes: number;
  readonly memoryMaxUsageBytes: number;
  /** Epoch ms. */
  readonly timestamp: number;
}

/** A progress line for the task's events, e.g. `Downloading image`. */
export type DriverEventSink = (event: { message: string; details: Record<string, string> }) => void;

export interface ExecSession {
  readonly stdin: NodeJS.WritableStream;
  readonly stdout: NodeJS.ReadableStream;
  readonly stderr: NodeJS.ReadableStream;
  resize(height: number, width: number): Promise<void>;
  /** Exit code. */
  readonly exited: Promise<number>;
  close(): void;
}

export interface TaskDriver {
  readonly name: string;
  /** Called at start and then periodically; must not throw. */
  fingerprint(): Promise<DriverFingerprint>;
  /** The images this configuration needs, for make-before-break; [] when none. */
  images(config: Readonly<Record<string, Json>>): readonly string[];
  /** Pulls what is missing. Throws TaskStartError. Safe to repeat. */
  prepare(
    request: TaskStartRequest,
    events: DriverEventSink,
    signal: AbortSignal,
  ): Promise<PreparedTask>;
  /**
   * Pulls what is missing before an allocation asks for it (DESIGN §12.3); a `prepare` that comes
   * meanwhile shares the pull, which goes on for it when `signal` is aborted. Absent where a driver
   * has nothing to pull. `imageDigest` as in TaskStartRequest. Throws TaskStartError.
   */
  fetch?(request: FetchRequest, signal: AbortSignal): Promise<PreparedTask>;
  /**
   * Starts the task, or adopts the running one of the same name. Throws TaskStartError; leaves
   * nothing behind when it does.
   */
  start(request: TaskStartRequest, events: DriverEventSink): Promise<TaskHandle>;
  /** Finds a task started earlier; null when it is gone without a trace. */
  recover(handle: TaskHandle): Promise<TaskHandle | null>;
  /** Resolves once, when the task has ended; survives a daemon outage by asking again. */
  wait(handle: TaskHandle, signal: AbortSignal): Promise<TaskExit>;
  /** Sends `killSignal` ("" = the driver's default), after `timeoutMs` kills. Resolves when dead. */
  stop(handle: TaskHandle, options: { killSignal: string; timeoutMs: number }): Promise<void>;
  /** Removes all traces (container, executor files). Safe to repeat and for what never started. */
  destroy(identity: TaskIdentity): Promise<void>;
  signal(handle: TaskHandle, signal: string): Promise<void>;
  stats(handle: TaskHandle): Promise<TaskStats | null>;
  exec(
    handle: TaskHandle,
    options: { command: readonly string[]; tty: boolean },
  ): Promise<ExecSession>;
  /** Everything of this node that runs under our labels, for reaping what has no allocation. */
  list(owner: { clusterId: string; nodeId: string }): Promise<readonly TaskIdentity[]>;
  close(): Promise<void>;
}
