/** `node drain`: moves the allocations of a node elsewhere (spec chapter 7 §7.11). */
import { type Nanos, parseDuration, SECOND } from "@drover/base";
import {
  type Command,
  type CommandContext,
  CommandError,
  DETACH,
  type Flags,
  misuse,
} from "../../command.ts";
import type { Doc } from "../../doc.ts";
import { formatInstant } from "../../format/time.ts";
import { monitorDrain } from "../../monitor/drain-monitor.ts";
import { confirm } from "../../shared/confirm.ts";
import { orFail } from "../../shared/errors.ts";
import { ownNodeId, readNode } from "../../shared/node.ts";

const DOING = "Error toggling drain mode";
const DEFAULT_DEADLINE: Nanos = 3600 * SECOND;
const FORCE_NOW: Nanos = -SECOND;

export const nodeDrainCommand: Command = {
  usage: "node drain [options] <node>",
  summary: "Drains a node",
  description:
    "Moves the allocations of a node to others, as each group's migrate block allows, and keeps\n" +
    "new ones away; -disable ends it.",
  flags: [
    { name: "enable", kind: "bool", help: "Begin to drain." },
    { name: "disable", kind: "bool", help: "End the drain." },
    { name: "deadline", kind: "string", help: "When what remains is stopped. Default: 1h." },
    DETACH,
    { name: "monitor", kind: "bool", help: "Follow a drain that goes on already." },
    { name: "force", kind: "bool", help: "Stop all at once." },
    { name: "no-deadline", kind: "bool", help: "Wait for migrations without end." },
    { name: "ignore-system", kind: "bool", help: "Leave allocations of system jobs." },
    { name: "keep-ineligible", kind: "bool", help: "With -disable: take no allocations yet." },
    { name: "m", kind: "string", help: "Message about the drain." },
    { name: "meta", kind: "list", help: "key=value about the drain; may be repeated." },
    { name: "self", kind: "bool", help: "The node of the asked agent." },
    { name: "yes", kind: "bool", help: "Ask no questions." },
  ],
  args: { min: 0, max: 1, message: "This command takes one argument: <node>" },
  async run(context) {
    const { args, flags } = context;
    checkFlags(flags);
    const deadline = deadlineOf(flags);
    const prefix = flags.bool("self") ? await ownNodeId(context) : args[0];
    if (prefix === undefined) {
      throw misuse("node drain", "Node ID must be specified if -self isn't being used");
    }
    const { node, index } = await readNode(context, prefix, DOING);
    if (flags.bool("monitor") && !flags.bool("enable") && !flags.bool("disable")) {
      return await follow(context, node, index);
    }
    return await toggle(context, node, deadline);
  },
};

function checkFlags(flags: Flags): void {
  const both = flags.bool("enable") && flags.bool("disable");
  const none = !flags.bool("enable") && !flags.bool("disable");
  if (both || (none && !flags.bool("monitor"))) {
    const message = "Either the '-enable' or '-disable' flag must be set";
    throw misuse("node drain", `${message}, unless using '-monitor'`);
  }
  const noLimit = flags.bool("force") || flags.bool("no-deadline");
  if (flags.has("deadline") && noLimit) {
    throw misuse("node drain", "-deadline can't be combined with -force or -no-deadline");
  }
  if (flags.bool("force") && flags.bool("no-deadline")) {
    throw misuse("node drain", "-force and -no-deadline are mutually exclusive");
  }
}

function deadlineOf(flags: Flags): Nanos {
  if (flags.bool("force")) return FORCE_NOW;
  if (flags.bool("no-deadline")) return 0;
  if (!flags.has("deadline")) return DEFAULT_DEADLINE;
  const parsed = parseDuration(flags.string("deadline"));
  if (!parsed.ok || parsed.nanos <= 0) {
    throw new CommandError(
      `Failed to parse deadline "${flags.string("deadline")}": ${
        parsed.ok ? "it must be positive" : parsed.message
      }`,
    );
  }
  return parsed.nanos;
}

async function follow(context: CommandContext, node: Doc, index: number): Promise<number> {
  const { ui, now } = context;
  const id = node.text("ID");
  if (!node.at("DrainStrategy").exists) {
    ui.warn("No drain strategy set");
    return 0;
  }
  ui.info(`${formatInstant(now())}: Monitoring node "${id}": Ctrl-C to detach monitoring`);
  await monitorDrain(context, id, index, false);
  return 0;
}

async function toggle(context: CommandContext, node: Doc, deadline: Nanos): Promise<number> {
  const { api, flags, ui, now } = context;
  const id = node.text("ID");
  const enable = flags.bool("enable");
  if (!flags.bool("yes")) {
    const verb = enable ? "enable" : "disable";
    const question = `Are you sure you want to ${verb} drain mode for node "${id}"? [y/N]`;
    if (!(await confirm(context, question))) {
      ui.output("Canceling drain toggle");
      return 0;
    }
  }
  const ignoreSystem = flags.bool("ignore-system");
  const body = {
    NodeID: id,
    DrainSpec: enable ? { Deadline: deadline, IgnoreSystemJobs: ignoreSystem } : null,
    MarkEligible: !flags.bool("keep-ineligible"),
    Meta: metaOf(context, node),
  };
  const drained = await orFail(DOING, api.call("nodeDrain", { params: { id }, body }));
  if (!enable || flags.bool("detach")) {
    ui.output(`Node "${id}" drain strategy ${enable ? "set" : "unset"}`);
    return 0;
  }
  const at = formatInstant(now());
  ui.info(`${at}: Ctrl-C to stop monitoring: will not cancel the node drain`);
  ui.output(`${at}: Node "${id}" drain strategy set`);
  await monitorDrain(context, id, drained.doc.num("NodeModifyIndex"), ignoreSystem);
  return 0;
}

/** What is said of a drain stays with it until it ends. */
function metaOf({ flags }: CommandContext, node: Doc): Record<string, string> {
  const said: Record<string, string> = {};
  if (flags.bool("disable")) {
    for (const [key, value] of node.at("LastDrain").entries("Meta")) said[key] = String(value.json);
  }
  for (const pair of flags.list("meta")) {
    const at = pair.indexOf("=");
    if (at < 1) throw new CommandError(`invalid value "${pair}" for -meta: want key=value`);
    said[pair.slice(0, at)] = pair.slice(at + 1);
  }
  if (flags.string("m") !== "") said.message = flags.string("m");
  return said;
}
