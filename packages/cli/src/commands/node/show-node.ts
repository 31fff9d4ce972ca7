/** The text of one node: what it is, what it offers and what runs on it. */
import { formatDuration, msToNanos } from "@drover/base";
import type { CommandContext } from "../../command.ts";
import { Doc } from "../../doc.ts";
import { keyValues, table } from "../../format/columns.ts";
import { formatInstant } from "../../format/time.ts";
import { allocTable } from "../../output/alloc-table.ts";
import { orFail } from "../../shared/errors.ts";
import { allocatedTable, hostTable, statsBlocks, usedByAllocsTable } from "./show-usage.ts";

export async function printNode(context: CommandContext, node: Doc): Promise<void> {
  const { api, flags, ui, now } = context;
  const params = { id: node.text("ID") };
  const read = api.call("nodeAllocations", { params });
  const allocs = (await orFail("Error querying node allocations", read)).doc.list();
  const verbose = flags.bool("verbose");
  const short = flags.bool("short");
  const stats = short ? new Doc(null) : await hostStats(context, node);
  ui.output(basics(node, stats, short));
  if (!short) await printDetails(context, { node, stats, allocs });
  section(context, "Allocations");
  ui.output(allocTable(allocs, { verbose, now: now() }));
  if (!verbose || short) return;
  section(context, "Attributes");
  ui.output(mapText(node, "Attributes"));
  section(context, "Meta");
  ui.output(mapText(node, "Meta"));
}

function section({ ui }: CommandContext, title: string): void {
  ui.output(`\n${ui.bold(title)}`);
}

function mapText(node: Doc, name: string): string {
  return keyValues(node.entries(name).map(([key, value]) => [key, String(value.json)]));
}

/** A node that cannot be asked leaves its figures out. */
async function hostStats({ api }: CommandContext, node: Doc): Promise<Doc> {
  try {
    return (await api.call("clientStats", { query: { node_id: node.text("ID") } })).doc;
  } catch (error) {
    if (error instanceof Error) return new Doc(null);
    throw error;
  }
}

function basics(node: Doc, stats: Doc, short: boolean): string {
  const drivers = node
    .entries("Drivers")
    .filter(([, driver]) => driver.flag("Detected"))
    .map(([name, driver]) => (driver.flag("Healthy") ? name : `${name} (unhealthy)`))
    .join(",");
  const names = (member: string) =>
    node
      .entries(member)
      .map(([name]) => name)
      .join(",");
  const pairs: [string, string][] = [
    ["ID", node.text("ID")],
    ["Name", node.text("Name")],
    ["Node Pool", node.text("NodePool")],
    ["Class", node.text("NodeClass")],
    ["DC", node.text("Datacenter")],
    ["Drain", drainText(node.at("DrainStrategy"))],
    ["Eligibility", node.text("SchedulingEligibility")],
    ["Status", node.text("Status")],
    ["CSI Controllers", names("CSIControllerPlugins")],
    ["CSI Drivers", names("CSINodePlugins")],
  ];
  if (stats.exists) {
    pairs.push(["Uptime", formatDuration(msToNanos(stats.num("Uptime") * 1000))]);
  }
  pairs.push(["Host Volumes", names("HostVolumes")]);
  pairs.push(["Host Networks", names("HostNetworks")]);
  pairs.push(["CSI Volumes", ""]);
  pairs.push([short ? "Drivers" : "Driver Status", drivers]);
  return keyValues(pairs);
}

/** `true; 2026-11-23T01:15:37Z deadline; ignoring system jobs` */
function drainText(strategy: Doc): string {
  if (!strategy.exists) return "false";
  const parts = ["true"];
  const deadline = strategy.num("Deadline");
  if (deadline < 0) parts.push("force drain");
  else if (deadline === 0) parts.push("no deadline");
  else parts.push(`${formatInstant(strategy.time("ForceDeadline"))} deadline`);
  if (strategy.flag("IgnoreSystemJobs")) parts.push("ignoring system jobs");
  return parts.join("; ");
}

interface NodeParts {
  readonly node: Doc;
  readonly stats: Doc;
  readonly allocs: readonly Doc[];
}

async function printDetails(context: CommandContext, parts: NodeParts): Promise<void> {
  const { flags, ui } = context;
  const { node, stats, allocs } = parts;
  const verbose = flags.bool("verbose");
  if (verbose) printDrivers(context, node);
  printEvents(context, node, verbose);
  const running = allocs.filter((alloc) => alloc.text("ClientStatus") === "running");
  section(context, "Allocated Resources");
  ui.output(allocatedTable(node, running));
  if (stats.exists) {
    const usage = await Promise.all(running.map((alloc) => allocUsage(context, alloc)));
    section(context, "Allocation Resource Utilization");
    ui.output(usedByAllocsTable(node, usage));
    section(context, "Host Resource Utilization");
    ui.output(hostTable(node, stats));
    if (flags.bool("stats")) {
      for (const block of statsBlocks(stats)) {
        section(context, block.title);
        ui.output(block.text);
      }
    }
  }
}

async function allocUsage({ api }: CommandContext, alloc: Doc): Promise<Doc> {
  try {
    return (await api.call("clientAllocStats", { params: { id: alloc.text("ID") } })).doc;
  } catch (error) {
    // One that has just ended has no figures any more.
    if (error instanceof Error) return new Doc(null);
    throw error;
  }
}

function printDrivers(context: CommandContext, node: Doc): void {
  section(context, "Drivers");
  const rows = node
    .entries("Drivers")
    .map(([name, driver]) => [
      name,
      String(driver.flag("Detected")),
      String(driver.flag("Healthy")),
      driver.text("HealthDescription"),
      formatInstant(driver.time("UpdateTime")),
    ]);
  context.ui.output(table([["Driver", "Detected", "Healthy", "Message", "Time"], ...rows]));
}

function printEvents(context: CommandContext, node: Doc, verbose: boolean): void {
  section(context, "Node Events");
  const rows = node
    .list("Events")
    .reverse()
    .map((event) => [
      formatInstant(event.time("Timestamp")),
      event.text("Subsystem"),
      event.text("Message"),
      ...(verbose ? [detailsText(event)] : []),
    ]);
  const more = verbose ? ["Details"] : [];
  context.ui.output(table([["Time", "Subsystem", "Message", ...more], ...rows]));
}

function detailsText(event: Doc): string {
  return event
    .entries("Details")
    .map(([key, value]) => `${key} : ${String(value.json)}`)
    .join(", ");
}
