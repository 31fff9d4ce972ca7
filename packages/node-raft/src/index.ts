export type { MembershipChange, RandomSource } from "./core/options.ts";
export type {
  ConfState,
  Entry,
  HardState,
  MemberId,
  Message,
  SnapshotMeta,
  SoftState,
} from "./core/types.ts";
export { EntryKind, Role } from "./core/types.ts";
export type {
  Committed,
  LogLevel,
  OpenRaftOptions,
  ProposalSession,
  ProposeOptions,
  RaftLimits,
  RaftNode,
  RaftNodeEvents,
  RaftStatus,
  RaftTimers,
  ReadMode,
  ReadOptions,
  ReadPoint,
  SessionId,
  SnapshotStream,
  StateMachine,
  Transport,
  TransportHandler,
  TransportSelf,
} from "./node/api.ts";
export { RaftError } from "./node/api.ts";
export { ClientSession } from "./node/client-session.ts";
export type {
  MembershipDecision,
  MembershipSettings,
  MembershipView,
  MemberView,
  NothingReason,
  Spare,
} from "./node/decide-membership.ts";
export type { LevelRange } from "./node/feature-level.ts";
export { raftDefaults } from "./node/limits.ts";
export type { MembershipDeps, MembershipReport } from "./node/membership-controller.ts";
export { MembershipController, membershipDefaults } from "./node/membership-controller.ts";
export { type MembershipHealth, membershipHealth } from "./node/membership-health.ts";
export { openRaftNode } from "./node/open-raft-node.ts";
export type { ResultCodec } from "./node/session-stream.ts";
export { describeQuarantine } from "./node/state-watch.ts";
export type { ServerFacts } from "./node/watch-members.ts";
export { openLocalStorage } from "./wal/local-port.ts";
export {
  holdsMember,
  inspectMember,
  originalClusterId,
  type Recovery,
  recoverCluster,
  recoveryEpoch,
  type StoppedMember,
} from "./wal/recover-cluster.ts";
export type { Quarantine, RaftStorage, SnapshotSink, StorageState } from "./wal/storage.ts";
export type { SpawnWorker } from "./wal/worker-port.ts";
