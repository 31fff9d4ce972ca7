/** The package graph as a Mermaid drawing, generated from the layer table. */
import { LAYERS } from "./layers.ts";

export function packageGraph(): string {
  const lines = ["```mermaid", "graph TD"];
  for (const layer of ["program", "edge", "core", "base"] as const) {
    lines.push(`  subgraph ${layer}`);
    for (const [name, rule] of Object.entries(LAYERS)) {
      if (rule.layer === layer) lines.push(`    ${name}`);
    }
    lines.push("  end");
  }
  for (const [name, rule] of Object.entries(LAYERS)) {
    for (const target of direct(rule.may)) lines.push(`  ${name} --> ${target}`);
  }
  lines.push("```");
  return lines.join("\n");
}

/** Leaves out what another allowed package reaches anyway, so that the drawing stays readable. */
function direct(may: readonly string[]): string[] {
  return may.filter(
    (target) => !may.some((other) => other !== target && LAYERS[other]?.may.includes(target)),
  );
}
