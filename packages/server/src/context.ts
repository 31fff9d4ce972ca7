/** What every part of the server works with. */
import type { Clock, Random } from "@drover/base";
import type { Command, CommandResult, StateEvent, StateMachineStore } from "@drover/state";
import type { LogEngine } from "./log-engine.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";
export type Log = (level: LogLevel, message: string, fields?: Record<string, unknown>) => void;

/** A command before the leader stamps its time. */
export type CommandDraft = Command extends infer C
  ? C extends Command
    ? Omit<C, "now" | "v" | "token"> & { readonly token?: string }
    : never
  : never;

/** What one log entry did, told right after it was applied. */
export interface Applied {
  readonly index: number;
  readonly command: Command;
  readonly result: CommandResult;
  readonly events: readonly StateEvent[];
  /** Of the command in the log. */
  readonly bytes: number;
}

export interface ServerTimings {
  /** Shortest and per-node spread of the time a client has until its next heartbeat. */
  readonly minHeartbeatTtlMs: number;
  readonly maxHeartbeatsPerSecond: number;
  readonly heartbeatGraceMs: number;
  readonly failoverHeartbeatTtlMs: number;
  readonly gcIntervalMs: number;
}

export const DEFAULT_TIMINGS: ServerTimings = {
  minHeartbeatTtlMs: 10_000,
  maxHeartbeatsPerSecond: 50,
  heartbeatGraceMs: 10_000,
  failoverHeartbeatTtlMs: 300_000,
  gcIntervalMs: 300_000,
};

export interface ServerContext {
  readonly region: string;
  /** Time of the cluster: it may be set anew, either way, when leadership begins. */
  readonly clock: Clock;
  /** For waits of this machine alone, which must neither end nor grow when `clock` is set. */
  readonly wall: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly store: StateMachineStore;
  readonly engine: LogEngine<CommandResult>;
  readonly timings: ServerTimings;
  /** Proposes on this machine; rejects with `not-leader` elsewhere. */
  propose(draft: CommandDraft, options?: { timeoutMs?: number }): Promise<CommandResult>;
  /** Called after each applied entry, in order; returns the unsubscription. */
  onApplied(fn: (applied: Applied) => void): () => void;
  /** Called after a snapshot has replaced the state: nothing was told of what lies between. */
  onRestored(fn: () => void): () => void;
}
