/** A deployment as every command shows it (spec chapter 7 §7.6, §7.7). */
import type { Doc } from "../doc.ts";
import { keyValues, table } from "../format/columns.ts";
import { shortId } from "../format/ids.ts";
import { formatInstantOrNone } from "../format/time.ts";
import type { Ui } from "../ui.ts";

export function deploymentBlock(
  deployment: Doc,
  options: { readonly ui: Ui; readonly verbose: boolean; readonly withJob: boolean },
): string {
  const { ui, verbose, withJob } = options;
  const pairs: [string, string][] = [["ID", shortId(deployment.text("ID"), verbose)]];
  if (withJob) {
    const version = String(deployment.num("JobVersion"));
    pairs.push(["Job ID", deployment.text("JobID")], ["Job Version", version]);
  }
  pairs.push(["Status", deployment.text("Status")]);
  pairs.push(["Description", deployment.text("StatusDescription")]);
  const head = keyValues(pairs);
  const groups = deployedTable(deployment);
  return groups === "" ? head : `${head}\n\n${ui.bold("Deployed")}\n${groups}`;
}

/** Columns appear only when a group has something to say in them. */
function deployedTable(deployment: Doc): string {
  const groups = deployment.entries("TaskGroups");
  if (groups.length === 0) return "";
  const hasReverts = groups.some(([, state]) => state.flag("AutoRevert"));
  const hasCanaries = groups.some(([, state]) => state.num("DesiredCanaries") > 0);
  const hasDeadlines = groups.some(([, state]) => state.num("ProgressDeadline") !== 0);
  const columns: [title: string, cell: (state: Doc, name: string) => string][] = [
    ["Task Group", (_, name) => name],
  ];
  if (hasReverts) columns.push(["Auto Revert", (state) => String(state.flag("AutoRevert"))]);
  if (hasCanaries) columns.push(["Promoted", promoted]);
  columns.push(["Desired", (state) => String(state.num("DesiredTotal"))]);
  if (hasCanaries) columns.push(["Canaries", (state) => String(state.num("DesiredCanaries"))]);
  columns.push(["Placed", (state) => String(state.num("PlacedAllocs"))]);
  columns.push(["Healthy", (state) => String(state.num("HealthyAllocs"))]);
  columns.push(["Unhealthy", (state) => String(state.num("UnhealthyAllocs"))]);
  if (hasDeadlines) {
    columns.push(["Progress Deadline", (s) => formatInstantOrNone(s.time("RequireProgressBy"))]);
  }
  return table([
    columns.map(([title]) => title),
    ...groups.map(([name, state]) => columns.map(([, cell]) => cell(state, name))),
  ]);
}

function promoted(state: Doc): string {
  return state.num("DesiredCanaries") > 0 ? String(state.flag("Promoted")) : "N/A";
}

/** Newest first. */
export function deploymentTable(deployments: readonly Doc[], verbose: boolean): string {
  if (deployments.length === 0) return "No deployments found";
  const sorted = [...deployments].sort((a, b) => b.num("CreateIndex") - a.num("CreateIndex"));
  return table([
    ["ID", "Job ID", "Job Version", "Status", "Description"],
    ...sorted.map((item) => [
      shortId(item.text("ID"), verbose),
      item.text("JobID"),
      String(item.num("JobVersion")),
      item.text("Status"),
      item.text("StatusDescription"),
    ]),
  ]);
}
