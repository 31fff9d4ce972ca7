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
import { quote } from "../../format/quote.ts";
import { formatInstant } from "../../format/time.ts";
import { monitorDrain } from "../../monitor/drain-monitor.ts";
import { confirm } from "../../shared/confirm.ts";
import { orFail } from "../../shared/errors.ts";
import { nodeIdOf, readNode } from "../../shared/node.ts";

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
  args: { min: 0, max: Number.POSITIVE_INFINITY, message: "" },
  async run(context) {
    const { flags } = context;
    checkFlags(flags);
    const prefix = await nodeIdOf(context, "node drain");
    const deadline = deadlineOf(flags);
    const { node, index } = await readNode(context, prefix, DOING);
    if (flags.bool("monitor")) return await follow(context, node, index);
    return await toggle(context, { node, deadline, isWholeId: prefix === node.text("ID") });
  },
};

function checkFlags(flags: Flags): void {
  if (flags.bool("monitor") && (flags.bool("enable") || flags.bool("disable"))) {
    const message = "The -monitor flag cannot be used with the '-enable' or '-disable' flags";
    throw misuse("node drain", message);
  }
  const both = flags.bool("enable") && flags.bool("disable");
  const none = !flags.bool("enable") && !flags.bool("disable");
  if (both || (none && !flags.bool("monitor"))) {
    const message = "Either the '-enable' or '-disable' flag must be set";
    throw misuse("node drain", `${message}, unless using '-monitor'`);
  }
  const noLimit = flags.bool("force") || flags.bool("no-deadline");
  if (flags.bool("disable") && (flags.has("deadline") || noLimit || flags.bool("ignore-system"))) {
    throw misuse("node drain", "-disable can't be combined with flags configuring drain strategy");
  }
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
  const text = flags.string("deadline");
  const parsed = parseDuration(text);
  if (!parsed.ok) {
    throw new CommandError(`Failed to parse deadline ${quote(text)}: ${parsed.message}`);
  }
  if (parsed.nanos <= 0) throw new CommandError("A positive drain duration must be given");
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

interface Toggled {
  readonly node: Doc;
  readonly deadline: Nanos;
  /** Who wrote the whole id meant this node: no question is asked. */
  readonly isWholeId: boolean;
}

async function toggle(context: CommandContext, toggled: Toggled): Promise<number> {
  const { api, flags, ui, now } = context;
  const { node, deadline, isWholeId } = toggled;
  const id = node.text("ID");
  const enable = flags.bool("enable");
  if (!isWholeId && !flags.bool("yes")) {
    const verb = enable ? "enable" : "disable";
    const question = `Are you sure you want to ${verb} drain mode for node "${id}"? [y/N]`;
    const exit = await confirm(context, question, "Canceling drain toggle");
    if (exit !== null) return exit;
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
  const message = flags.string("m");
  if (message !== "") said[flags.bool("enable") ? "message" : "cancel_message"] = message;
  for (const pair of flags.list("meta")) {
    if (pair === "") continue;
    const at = pair.indexOf("=");
    said[at < 0 ? pair : pair.slice(0, at)] = at < 0 ? "" : pair.slice(at + 1);
  }
  return said;
}
