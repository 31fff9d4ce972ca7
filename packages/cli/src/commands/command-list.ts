/** Every command by its words. Modules load when they are needed: a command must start fast. */
import type { Command } from "../command.ts";

export type LoadCommand = () => Promise<Command>;

export const COMMANDS: Readonly<Record<string, LoadCommand>> = {
  agent: async () => (await import("./agent.ts")).agentCommand,
  "agent-info": async () => (await import("./agent-info.ts")).agentInfoCommand,
  version: async () => (await import("./version.ts")).versionCommand,
  why: async () => (await import("./why.ts")).whyCommand,
  status: async () => (await import("./status.ts")).statusCommand,
  ui: async () => (await import("./ui.ts")).uiCommand,
  "job allocs": async () => (await import("./job/allocs.ts")).jobAllocsCommand,
  "job deployments": async () => (await import("./job/deployments.ts")).jobDeploymentsCommand,
  "job dispatch": async () => (await import("./job/dispatch.ts")).jobDispatchCommand,
  "job eval": async () => (await import("./job/eval.ts")).jobEvalCommand,
  "job history": async () => (await import("./job/history.ts")).jobHistoryCommand,
  "job init": async () => (await import("./job/init.ts")).jobInitCommand,
  "job inspect": async () => (await import("./job/inspect.ts")).jobInspectCommand,
  "job periodic force": async () => (await import("./job/dispatch.ts")).jobPeriodicForceCommand,
  "job plan": async () => (await import("./job/plan.ts")).jobPlanCommand,
  "job promote": async () => (await import("./job/promote.ts")).jobPromoteCommand,
  "job restart": async () => (await import("./job/restart.ts")).jobRestartCommand,
  "job revert": async () => (await import("./job/revert.ts")).jobRevertCommand,
  "job run": async () => (await import("./job/run.ts")).jobRunCommand,
  "job scale": async () => (await import("./job/scale.ts")).jobScaleCommand,
  "job scaling-events": async () =>
    (await import("./job/scaling-events.ts")).jobScalingEventsCommand,
  "job start": async () => (await import("./job/start.ts")).jobStartCommand,
  "job status": async () => (await import("./job/status.ts")).jobStatusCommand,
  "job stop": async () => (await import("./job/stop.ts")).jobStopCommand,
  "job tag apply": async () => (await import("./job/tag.ts")).jobTagApplyCommand,
  "job tag unset": async () => (await import("./job/tag.ts")).jobTagUnsetCommand,
  "job validate": async () => (await import("./job/validate.ts")).jobValidateCommand,
  "deployment fail": async () => (await import("./deployment/change.ts")).deploymentFailCommand,
  "deployment list": async () => (await import("./deployment/list.ts")).deploymentListCommand,
  "deployment pause": async () => (await import("./deployment/change.ts")).deploymentPauseCommand,
  "deployment promote": async () =>
    (await import("./deployment/change.ts")).deploymentPromoteCommand,
  "deployment resume": async () => (await import("./deployment/change.ts")).deploymentResumeCommand,
  "deployment status": async () => (await import("./deployment/status.ts")).deploymentStatusCommand,
  "deployment unblock": async () =>
    (await import("./deployment/change.ts")).deploymentUnblockCommand,
  "alloc checks": async () => (await import("./alloc/checks.ts")).allocChecksCommand,
  "alloc exec": async () => (await import("./alloc/exec.ts")).allocExecCommand,
  "alloc fs": async () => (await import("./alloc/fs.ts")).allocFsCommand,
  "alloc logs": async () => (await import("./alloc/logs.ts")).allocLogsCommand,
  "alloc restart": async () => (await import("./alloc/restart.ts")).allocRestartCommand,
  "alloc signal": async () => (await import("./alloc/restart.ts")).allocSignalCommand,
  "alloc status": async () => (await import("./alloc/status.ts")).allocStatusCommand,
  "alloc stop": async () => (await import("./alloc/stop.ts")).allocStopCommand,
  "node config": async () => (await import("./node/config.ts")).nodeConfigCommand,
  "node drain": async () => (await import("./node/drain.ts")).nodeDrainCommand,
  "node eligibility": async () => (await import("./node/eligibility.ts")).nodeEligibilityCommand,
  "node meta read": async () => (await import("./node/meta.ts")).nodeMetaReadCommand,
  "node pool info": async () => (await import("./node/config.ts")).nodePoolInfoCommand,
  "node pool list": async () => (await import("./node/config.ts")).nodePoolListCommand,
  "node pool nodes": async () => (await import("./node/config.ts")).nodePoolNodesCommand,
  "node status": async () => (await import("./node/status.ts")).nodeStatusCommand,
  "eval delete": async () => (await import("./eval/delete.ts")).evalDeleteCommand,
  "eval list": async () => (await import("./eval/list.ts")).evalListCommand,
  "eval status": async () => (await import("./eval/status.ts")).evalStatusCommand,
  "server join": async () => (await import("./server/members.ts")).serverJoinCommand,
  "server members": async () => (await import("./server/members.ts")).serverMembersCommand,
  "operator autopilot get-config": async () =>
    (await import("./operator/autopilot.ts")).autopilotGetCommand,
  "operator autopilot health": async () =>
    (await import("./operator/autopilot.ts")).autopilotHealthCommand,
  "operator raft list-peers": async () => (await import("./operator/raft.ts")).raftListPeersCommand,
  "operator raft recover": async () =>
    (await import("./operator/raft-recover.ts")).raftRecoverCommand,
  "operator raft transfer-leadership": async () =>
    (await import("./operator/raft.ts")).raftTransferCommand,
  "operator scheduler get-config": async () =>
    (await import("./operator/scheduler.ts")).schedulerGetCommand,
  "operator scheduler set-config": async () =>
    (await import("./operator/scheduler.ts")).schedulerSetCommand,
  monitor: async () => (await import("./monitor.ts")).monitorCommand,
  "scaling policy info": async () => (await import("./scaling.ts")).scalingPolicyInfoCommand,
  "scaling policy list": async () => (await import("./scaling.ts")).scalingPolicyListCommand,
  "service delete": async () => (await import("./service.ts")).serviceDeleteCommand,
  "service info": async () => (await import("./service.ts")).serviceInfoCommand,
  "service list": async () => (await import("./service.ts")).serviceListCommand,
  "namespace apply": async () => (await import("./namespace.ts")).namespaceApplyCommand,
  "namespace delete": async () => (await import("./namespace.ts")).namespaceDeleteCommand,
  "namespace inspect": async () => (await import("./namespace.ts")).namespaceInspectCommand,
  "namespace list": async () => (await import("./namespace.ts")).namespaceListCommand,
  "namespace status": async () => (await import("./namespace.ts")).namespaceStatusCommand,
  "system gc": async () => (await import("./system.ts")).systemGcCommand,
  "system reconcile summaries": async () => (await import("./system.ts")).systemReconcileCommand,
};

/** Short and older forms. */
export const ALIASES: Readonly<Record<string, string>> = {
  run: "job run",
  plan: "job plan",
  stop: "job stop",
  start: "job start",
  init: "job init",
  validate: "job validate",
  inspect: "job inspect",
  exec: "alloc exec",
  fs: "alloc fs",
  logs: "alloc logs",
  checks: "alloc checks",
  "alloc-status": "alloc status",
  "eval-status": "eval status",
  "node-drain": "node drain",
  "node-status": "node status",
  "server-join": "server join",
  "server-members": "server members",
};

export interface CommandGroup {
  /** After its words in the usage line. */
  readonly usage: string;
  readonly summary: string;
}

const PLAIN = "<subcommand> [options]";
const WITH_ARGS = "<subcommand> [options] [args]";

export const GROUPS: Readonly<Record<string, CommandGroup>> = {
  alloc: { usage: WITH_ARGS, summary: "Looks at and acts on allocations" },
  deployment: { usage: WITH_ARGS, summary: "Follows and steers deployments" },
  eval: { usage: WITH_ARGS, summary: "Looks at evaluations" },
  job: { usage: WITH_ARGS, summary: "Runs, changes and looks at jobs" },
  "job periodic": { usage: WITH_ARGS, summary: "Acts on periodic jobs" },
  "job tag": { usage: WITH_ARGS, summary: "Names versions of a job" },
  namespace: { usage: WITH_ARGS, summary: "Looks at and changes namespaces" },
  node: { usage: WITH_ARGS, summary: "Looks at nodes and drains them" },
  "node meta": { usage: "[subcommand]", summary: "Looks at the metadata of nodes" },
  "node pool": { usage: WITH_ARGS, summary: "Looks at node pools" },
  operator: { usage: PLAIN, summary: "Keeps the cluster itself running" },
  "operator autopilot": { usage: PLAIN, summary: "How servers come and go" },
  "operator raft": { usage: PLAIN, summary: "The servers that keep the state" },
  "operator scheduler": { usage: PLAIN, summary: "How the scheduler decides" },
  scaling: { usage: PLAIN, summary: "Looks at scaling policies" },
  "scaling policy": { usage: PLAIN, summary: "What autoscalers act by" },
  server: { usage: WITH_ARGS, summary: "Looks at servers and joins them" },
  service: { usage: PLAIN, summary: "Looks at built-in service registrations" },
  system: { usage: PLAIN, summary: "Collects and recounts" },
  "system reconcile": { usage: PLAIN, summary: "Counts again" },
};
