/** Why a group could not be placed, line by line (spec chapter 7 §7.4). */
import type { Doc } from "../doc.ts";
import { quote } from "../format/quote.ts";
import type { Ui } from "../ui.ts";

/** The lines of one group's metric. */
export function placementLines(metric: Doc, indent: string, ui: Ui): string[] {
  const lines: string[] = [];
  const say = (text: string) => lines.push(`${indent}* ${text}`);
  const counts = (name: string) => metric.entries(name).map(([key, n]) => [key, n.json] as const);
  if (metric.num("NodesEvaluated") === 0) say("No nodes were eligible for evaluation");
  for (const [dc, count] of counts("NodesAvailable")) {
    if (count === 0) say(`No nodes are available in datacenter ${quote(dc)}`);
  }
  for (const [name, count] of counts("ClassFiltered")) {
    say(`Class ${quote(name)}: ${count} nodes excluded by filter`);
  }
  for (const [name, count] of counts("ConstraintFiltered")) {
    const text = `Constraint ${quote(name)}: ${count} nodes excluded by filter`;
    say(name.includes("missing drivers") ? ui.paint("red", text) : text);
  }
  const exhausted = metric.num("NodesExhausted");
  if (exhausted > 0) say(`Resources exhausted on ${exhausted} nodes`);
  for (const [name, count] of counts("ClassExhausted")) {
    say(`Class ${quote(name)} exhausted on ${count} nodes`);
  }
  for (const [name, count] of counts("DimensionExhausted")) {
    say(`Dimension ${quote(name)} exhausted on ${count} nodes`);
  }
  for (const name of metric.texts("QuotaExhausted")) say(`Quota limit hit ${quote(name)}`);
  return lines;
}

/** `Task Group "g" (failed to place 2 allocations):` */
export function failedGroupTitle(name: string, metric: Doc): string {
  const count = metric.num("CoalescedFailures") + 1;
  const noun = count === 1 ? "allocation" : "allocations";
  return `Task Group ${quote(name)} (failed to place ${count} ${noun}):`;
}

/** Nodes that were looked at, and how they scored; no rows when nothing was scored. */
export function scoreRows(metric: Doc, verbose: boolean): string[][] {
  const scored = metric.list("ScoreMetaData");
  if (scored.length === 0) return [];
  const names = new Set<string>();
  for (const node of scored) for (const [name] of node.entries("Scores")) names.add(name);
  names.delete("normalized-score");
  const columns = [...names].sort();
  return [
    ["Node", ...columns, "final score"],
    ...scored.map((node) => [
      verbose ? node.text("NodeID") : node.text("NodeID").slice(0, 8),
      ...columns.map((name) => threeDigits(node.at("Scores").num(name))),
      threeDigits(node.num("NormScore")),
    ]),
  ];
}

function threeDigits(value: number): string {
  return String(Number(value.toPrecision(3)));
}
