/** What several commands say of an evaluation (spec chapter 7 §7.6, §7.12). */
import type { Doc } from "../doc.ts";

/** Whether something could not be placed; undecided while the rest waits for room. */
export function placementFailureText(evaluation: Doc): string {
  if (evaluation.text("Status") === "blocked") return "N/A - In Progress";
  return String(hasFailures(evaluation));
}

export function hasFailures(evaluation: Doc): boolean {
  return evaluation.entries("FailedTGAllocs").length > 0;
}
