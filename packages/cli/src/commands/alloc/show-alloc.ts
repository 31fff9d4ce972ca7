/** The parts of an allocation's text that are not about one task. */
import { formatDuration } from "@drover/base";
import type { CommandContext } from "../../command.ts";
import type { Doc } from "../../doc.ts";
import { bareTable, keyValues, table } from "../../format/columns.ts";
import { shortId } from "../../format/ids.ts";
import { formatAgo, formatInstantOrNone, formatWhen } from "../../format/time.ts";
import { jobVersion } from "../../output/alloc-table.ts";
import { groupOf } from "../../shared/alloc.ts";

export async function allocBasics(context: CommandContext, alloc: Doc): Promise<string> {
  const { flags, now } = context;
  const verbose = flags.bool("verbose");
  const when = { verbose, now: now() };
  const pairs: [string, string][] = [
    ["ID", alloc.text("ID")],
    ["Eval ID", shortId(alloc.text("EvalID"), verbose)],
    ["Name", alloc.text("Name")],
    ["Node ID", shortId(alloc.text("NodeID"), verbose)],
    ["Node Name", alloc.text("NodeName")],
    ["Job ID", alloc.text("JobID")],
    ["Job Version", String(jobVersion(alloc))],
    ["Client Status", alloc.text("ClientStatus")],
    ["Client Description", alloc.text("ClientDescription")],
    ["Desired Status", alloc.text("DesiredStatus")],
    ["Desired Description", alloc.text("DesiredDescription")],
    ["Created", formatWhen(alloc.instant("CreateTime"), when)],
    ["Modified", formatWhen(alloc.instant("ModifyTime"), when)],
    ...deploymentPairs(alloc, verbose),
    ...(await reschedulePairs(context, alloc)),
    ...(verbose ? metricPairs(alloc.at("Metrics")) : []),
  ];
  return keyValues(pairs);
}

function deploymentPairs(alloc: Doc, verbose: boolean): [string, string][] {
  const id = alloc.text("DeploymentID");
  if (id === "") return [];
  const status = alloc.at("DeploymentStatus");
  const healthy = status.at("Healthy").json;
  const health = healthy === null ? "unset" : healthy === true ? "healthy" : "unhealthy";
  const pairs: [string, string][] = [
    ["Deployment ID", shortId(id, verbose)],
    ["Deployment Health", health],
  ];
  if (status.flag("Canary")) pairs.push(["Canary", "true"]);
  return pairs;
}

async function reschedulePairs(context: CommandContext, alloc: Doc): Promise<[string, string][]> {
  const { api, flags, now } = context;
  const verbose = flags.bool("verbose");
  const pairs: [string, string][] = [];
  const tried = alloc.at("RescheduleTracker").list("Events").length;
  const policy = groupOf(alloc)?.at("ReschedulePolicy");
  if (tried > 0 && policy && !policy.flag("Unlimited") && policy.num("Attempts") > 0) {
    pairs.push(["Reschedule Attempts", `${tried}/${policy.num("Attempts")}`]);
  }
  const replacement = alloc.text("NextAllocation");
  if (replacement !== "") pairs.push(["Replacement Alloc ID", shortId(replacement, verbose)]);
  const followup = alloc.text("FollowupEvalID");
  if (followup !== "") {
    const read = api.call("evalRead", { params: { id: followup }, query: { related: true } });
    const at = (await read).doc.time("WaitUntil");
    if (at > now()) pairs.push(["Reschedule Eligibility", formatAgo(at, now())]);
  }
  return pairs;
}

function metricPairs(metrics: Doc): [string, string][] {
  return [
    ["Evaluated Nodes", String(metrics.num("NodesEvaluated"))],
    ["Filtered Nodes", String(metrics.num("NodesFiltered"))],
    ["Exhausted Nodes", String(metrics.num("NodesExhausted"))],
    ["Allocation Time", formatDuration(metrics.num("AllocationTime"))],
    ["Failures", String(metrics.num("CoalescedFailures"))],
  ];
}

/** The ports of the group's network; "" when there is none. */
export function addressTable(alloc: Doc): string {
  const shared = alloc.at("AllocatedResources").at("Shared");
  const ports = shared.list("Ports");
  if (ports.length === 0) return "";
  const [network] = shared.list("Networks");
  const dynamic = new Set(network?.list("DynamicPorts").map((port) => port.text("Label")));
  const mode = network?.text("Mode") ?? "";
  const rows = ports.map((port) => {
    const to = port.num("To");
    const address = `${port.text("HostIP")}:${port.num("Value")}`;
    return [
      `*${port.text("Label")}`,
      dynamic.has(port.text("Label")) ? "yes" : "",
      to > 0 ? `${address} -> ${to}` : address,
    ];
  });
  const heading = mode === "" || mode === "host" ? "" : ` (mode = "${mode}")`;
  const columns = ["Label", "Dynamic", "Address"];
  return `Allocation Addresses${heading}:\n${bareTable([columns, ...rows])}`;
}

/** The checks of the built-in provider; "" when there are none. */
export function checksTable(checks: Doc): string {
  const rows = checks
    .entries()
    .map(([, check]) =>
      ["Service", "Task", "Check", "Mode", "Status"].map((name) => check.text(name)),
    )
    .sort((a, b) => (a.join("\0") < b.join("\0") ? -1 : 1));
  if (rows.length === 0) return "";
  return `Nomad Service Checks:\n${table([["Service", "Task", "Name", "Mode", "Status"], ...rows])}`;
}

export function shortAlloc({ ui, now }: CommandContext, alloc: Doc): string {
  const when = { verbose: false, now: now() };
  const head = keyValues([
    ["ID", alloc.text("ID")],
    ["Name", alloc.text("Name")],
    ["Created", formatWhen(alloc.instant("CreateTime"), when)],
    ["Modified", formatWhen(alloc.instant("ModifyTime"), when)],
  ]);
  const states = new Map(alloc.entries("TaskStates"));
  const rows = groupOf(alloc)
    .list("Tasks")
    .flatMap((task) => {
      const state = states.get(task.text("Name"));
      const last = state?.list("Events").at(-1);
      if (!state) return [];
      return [
        [
          task.text("Name"),
          state.text("State"),
          last?.text("Type") ?? "",
          formatInstantOrNone(last?.instant("Time") ?? 0),
          lifecycleText(task),
        ],
      ];
    });
  const columns = ["Name", "State", "Last Event", "Time", "Lifecycle"];
  return `${head}\n\n${ui.bold("Tasks")}\n${table([columns, ...rows])}`;
}

/** `main`, or the hook with `sidecar` where it goes on running. */
export function lifecycleText(task: Doc): string {
  const lifecycle = task.at("Lifecycle");
  const hook = lifecycle.text("Hook");
  if (hook === "") return "main";
  return lifecycle.flag("Sidecar") ? `${hook} sidecar` : hook;
}
