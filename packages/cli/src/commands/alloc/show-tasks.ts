/** One task after the other: what it may use, when it ran and what happened to it. */
import type { CommandContext } from "../../command.ts";
import type { Doc } from "../../doc.ts";
import { formatBytes, MIB } from "../../format/bytes.ts";
import { bareTable, keyValues, table } from "../../format/columns.ts";
import { formatInstant, formatInstantOrNone } from "../../format/time.ts";
import { groupOf } from "../../shared/alloc.ts";
import { lifecycleText } from "./show-alloc.ts";

export function showTasks(context: CommandContext, alloc: Doc, usage: Doc): void {
  const states = alloc.at("TaskStates");
  const hasHook = (task: Doc) => task.at("Lifecycle").exists;
  const tasks = groupOf(alloc)
    .list("Tasks")
    .sort((a, b) => (a.text("Name") < b.text("Name") ? -1 : 1))
    .sort((a, b) => Number(hasHook(b)) - Number(hasHook(a)));
  for (const task of tasks) {
    const state = states.at(task.text("Name"));
    if (state.exists) showTask(context, { alloc, task, state, usage });
  }
}

interface OneTask {
  readonly alloc: Doc;
  readonly task: Doc;
  readonly state: Doc;
  readonly usage: Doc;
}

function showTask({ ui, flags }: CommandContext, one: OneTask): void {
  const { task, state } = one;
  const lifecycle = lifecycleText(task);
  const role = lifecycle === "main" ? "" : ` (${lifecycle})`;
  ui.output(`\n${ui.bold(`Task "${task.text("Name")}"${role} is "${state.text("State")}"`)}`);
  const used = one.usage.at("Tasks").at(task.text("Name")).at("ResourceUsage");
  ui.output("Task Resources:");
  ui.output(resourceTable(one, used));
  ui.output("");
  if (flags.bool("stats") && used.exists) {
    ui.output(statsTables(used));
    ui.output("");
  }
  ui.output("Task Events:");
  ui.output(
    keyValues([
      ["Started At", formatInstantOrNone(state.time("StartedAt"))],
      ["Finished At", formatInstantOrNone(state.time("FinishedAt"))],
      ["Total Restarts", String(state.num("Restarts"))],
      ["Last Restart", formatInstantOrNone(state.time("LastRestart"))],
    ]),
  );
  ui.output("");
  ui.output("Recent Events:");
  const events = state
    .list("Events")
    .reverse()
    .map((event) => [
      formatInstant(event.instant("Time")),
      event.text("Type"),
      event.text("DisplayMessage"),
    ]);
  ui.output(table([["Time", "Type", "Description"], ...events]));
}

function resourceTable({ alloc, task }: OneTask, used: Doc): string {
  const resources = alloc.at("AllocatedResources");
  const mine = resources.at("Tasks").at(task.text("Name"));
  const cpu = `${mine.at("Cpu").num("CpuShares")} MHz`;
  const memory = formatBytes(mine.at("Memory").num("MemoryMB") * MIB);
  const most = mine.at("Memory").num("MemoryMaxMB");
  const disk = formatBytes(resources.at("Shared").num("DiskMB") * MIB);
  const ticks = used.at("CpuStats");
  const bytes = memoryInUse(used.at("MemoryStats"));
  return bareTable([
    ["CPU", "Memory", "Disk", "Addresses"],
    [
      ticks.list("Measured").length > 0 ? `${Math.floor(ticks.num("TotalTicks"))}/${cpu}` : cpu,
      bytes > 0 ? `${formatBytes(bytes)}/${memory}` : memory,
      disk,
      "",
    ],
    ...(most > 0 ? [["", `Max: ${formatBytes(most * MIB)}`, "", ""]] : []),
  ]);
}

function memoryInUse(stats: Doc): number {
  return stats.num("RSS") > 0 ? stats.num("RSS") : stats.num("Usage");
}

/** Only what the driver measured. */
function statsTables(used: Doc): string {
  const memory = used.at("MemoryStats");
  const cpu = used.at("CpuStats");
  const tables: string[] = [];
  const measured = memory.texts("Measured").sort();
  if (measured.length > 0) {
    const cells = measured.map((name) => formatBytes(memory.num(name.replace(" ", ""))));
    tables.push(`Memory Stats\n${table([measured, cells])}`);
  }
  const counted = cpu.texts("Measured").sort();
  if (counted.length > 0) {
    const cells = counted.map((name) => {
      const value = cpu.num(name.replace(" ", ""));
      return name === "Percent" ? `${value.toFixed(2)}%` : String(value);
    });
    tables.push(`CPU Stats\n${table([counted, cells])}`);
  }
  return tables.join("\n\n");
}
