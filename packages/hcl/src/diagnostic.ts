/** What is wrong with a file, and where. */
import { formatRange, type Range } from "./source.ts";

export interface Diagnostic {
  readonly severity: "error" | "warning";
  readonly summary: string;
  readonly detail: string;
  /** null when the problem has no place, such as a block that is missing altogether. */
  readonly range: Range | null;
}

export function errorAt(range: Range | null, summary: string, detail: string): Diagnostic {
  return { severity: "error", summary, detail, range };
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((diagnostic) => diagnostic.severity === "error");
}

/** One line: `<file>:<line>,<col>-<col>: <summary>; <detail>`; `<nil>` stands for no place. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const where = diagnostic.range === null ? "<nil>" : formatRange(diagnostic.range);
  return `${where}: ${diagnostic.summary}; ${diagnostic.detail}`;
}

/** The first problem, and how many more there are. */
export function formatFirstDiagnostic(diagnostics: readonly Diagnostic[]): string {
  const [first, ...others] = diagnostics;
  if (first === undefined) return "no diagnostics";
  const text = formatDiagnostic(first);
  return others.length === 0 ? text : `${text}, and ${others.length} other diagnostic(s)`;
}
