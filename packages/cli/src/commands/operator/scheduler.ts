/** `operator scheduler get-config|set-config` (spec chapter 7 §7.13). */

import { exactAnswer } from "../../api-client.ts";
import {
  type Command,
  CommandError,
  type FlagSpec,
  type Flags,
  FORMAT_FLAGS,
} from "../../command.ts";
import type { Doc } from "../../doc.ts";
import { keyValues } from "../../format/columns.ts";
import { plain } from "../../shared/api-forms.ts";
import { orFail } from "../../shared/errors.ts";
import { printData, wantsData } from "../../shared/format.ts";
import { parseCheckIndex } from "../../shared/numbers.ts";

const NO_ARGS = { min: 0, max: 0, message: "This command takes no arguments" };

export const schedulerGetCommand: Command = {
  usage: "operator scheduler get-config [options]",
  summary: "Shows the scheduler's configuration",
  description: "Shows the configuration of the scheduler.",
  flags: FORMAT_FLAGS,
  args: NO_ARGS,
  async run(context) {
    const { api, ui } = context;
    const answer = await orFail(
      "Error querying scheduler configuration",
      api.call("schedulerConfigRead"),
    );
    if (wantsData(context)) {
      const wire = exactAnswer(answer) as Record<string, never>;
      const { Index: _, ...rest } = wire;
      const data = { ...rest, LastIndex: 0, RequestTime: 0 };
      return await printData(context, data, plain("*api.SchedulerConfigurationResponse"));
    }
    const config = answer.doc.at("SchedulerConfig");
    const preemption = config.at("PreemptionConfig");
    const flag = (doc: Doc, name: string) => String(doc.flag(name));
    ui.output(
      keyValues([
        ["Scheduler Algorithm", config.text("SchedulerAlgorithm")],
        ["Memory Oversubscription", flag(config, "MemoryOversubscriptionEnabled")],
        ["Reject Job Registration", flag(config, "RejectJobRegistration")],
        ["Pause Eval Broker", flag(config, "PauseEvalBroker")],
        ["Preemption System Scheduler", flag(preemption, "SystemSchedulerEnabled")],
        ["Preemption Service Scheduler", flag(preemption, "ServiceSchedulerEnabled")],
        ["Preemption Batch Scheduler", flag(preemption, "BatchSchedulerEnabled")],
        ["Preemption SysBatch Scheduler", flag(preemption, "SysBatchSchedulerEnabled")],
        ["Node Limit For Feasibility Checks", String(config.num("NodeLimitForFeasibilityChecks"))],
        ["Modify Index", String(config.num("ModifyIndex"))],
      ]),
    );
    return 0;
  },
};

const SETTINGS: readonly (readonly [flag: string, member: string, help: string])[] = [
  ["memory-oversubscription", "MemoryOversubscriptionEnabled", "Allow memory_max: true or false."],
  ["reject-job-registration", "RejectJobRegistration", "Refuse new jobs: true or false."],
  ["pause-eval-broker", "PauseEvalBroker", "Schedule nothing: true or false."],
];
const PREEMPTIONS: readonly (readonly [flag: string, member: string, help: string])[] = [
  ["preempt-batch-scheduler", "BatchSchedulerEnabled", "Preempt for batch jobs."],
  ["preempt-service-scheduler", "ServiceSchedulerEnabled", "Preempt for service jobs."],
  ["preempt-sysbatch-scheduler", "SysBatchSchedulerEnabled", "Preempt for sysbatch jobs."],
  ["preempt-system-scheduler", "SystemSchedulerEnabled", "Preempt for system jobs."],
];

const SET_FLAGS: readonly FlagSpec[] = [
  { name: "check-index", kind: "string", help: "Only if the configuration's index is this one." },
  { name: "scheduler-algorithm", kind: "string", help: "binpack or spread." },
  {
    name: "node-limit-for-feasibility-checks",
    kind: "int",
    default: "100",
    help: "Nodes looked at; 0 = all.",
  },
  ...[...SETTINGS, ...PREEMPTIONS].map(
    ([name, , help]) => ({ name, kind: "setting", help }) as const,
  ),
];

export const schedulerSetCommand: Command = {
  usage: "operator scheduler set-config [options]",
  summary: "Changes the scheduler's configuration",
  description: "Changes what is given and leaves the rest.",
  flags: SET_FLAGS,
  args: NO_ARGS,
  async run(context) {
    const { api, flags, ui } = context;
    const index = parseCheckIndex(context);
    const read = api.call("schedulerConfigRead");
    const { doc } = await orFail("Error querying for scheduler configuration", read);
    const current = doc.at("SchedulerConfig").num("ModifyIndex");
    if (index !== null && index !== 0 && index !== current) {
      throw new CommandError(
        "Error performing check index set: " +
          `check-index ${index} does not match does not match current state value ${current}`,
      );
    }
    const body = changed(doc.at("SchedulerConfig"), flags);
    // What another operator has set since it was read is not undone.
    const query = { cas: current };
    const write = api.call("schedulerConfigWrite", { query, body });
    const answer = await orFail("Error setting scheduler configuration", write);
    if (!answer.doc.flag("Updated")) {
      ui.output("Scheduler configuration could not be atomically updated, please try again");
      return 1;
    }
    ui.output("Scheduler configuration updated!");
    return 0;
  },
};

function changed(config: Doc, flags: Flags): Record<string, unknown> {
  const members = { ...(config.json as Record<string, unknown>) };
  if (flags.has("scheduler-algorithm")) {
    members.SchedulerAlgorithm = flags.string("scheduler-algorithm");
  }
  const limit = "node-limit-for-feasibility-checks";
  if (flags.has(limit)) {
    members.NodeLimitForFeasibilityChecks = flags.int(limit);
  }
  setAll(members, SETTINGS, flags);
  const preemption = { ...(config.at("PreemptionConfig").json as Record<string, unknown>) };
  setAll(preemption, PREEMPTIONS, flags);
  return { ...members, PreemptionConfig: preemption };
}

function setAll(members: Record<string, unknown>, settings: typeof SETTINGS, flags: Flags): void {
  for (const [flag, member] of settings) {
    if (flags.has(flag)) members[member] = flags.bool(flag);
  }
}
