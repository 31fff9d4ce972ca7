/** Rows that only the state machine keeps: nothing of the scheduler's or the clients' model. */
import type { Json } from "@drover/model";
import type { CommandResult, JobSubmission } from "../commands/command.ts";

export interface StoredSubmission extends JobSubmission {
  readonly namespace: string;
  readonly jobId: string;
  readonly version: number;
  /** The registration it belongs to. */
  readonly jobModifyIndex: number;
}

export interface StoredScalingEvent {
  /** Epoch ms. */
  readonly time: number;
  readonly count: number | null;
  readonly previousCount: number;
  readonly message: string;
  readonly error: boolean;
  readonly meta: Json;
  readonly evalId: string;
  readonly createIndex: number;
}

/** Group → its latest events, newest first. */
export interface JobScalingEvents {
  readonly namespace: string;
  readonly jobId: string;
  readonly groups: Readonly<Record<string, readonly StoredScalingEvent[]>>;
  readonly modifyIndex: number;
}

export interface ClusterIdentity {
  readonly clusterId: string;
  readonly epoch: number;
  readonly createIndex: number;
  readonly modifyIndex: number;
}

/** First answer to a token, for commands that arrive twice. */
export interface TokenRow {
  readonly token: string;
  readonly result: CommandResult;
  /** Of `AnswerTime`; from command version 5 on. */
  readonly at?: number;
}

/** How old answers are: replicated time without its leaps. */
export interface AnswerTime {
  readonly at: number;
  /** Replicated time at `at`, epoch ms. */
  readonly now: number;
}

/** Versions that an automatic revert registered, and what it leaves to the next deployment. */
export interface RevertGrant {
  readonly autoTransitionsLeft: number;
}
