import type { Ui } from "../ui.ts";

/** The server's warnings under their heading, and an empty line. */
export function printWarnings(ui: Ui, warnings: string): void {
  if (warnings === "") return;
  ui.output(`${ui.open("bold")}${ui.open("yellow")}Job Warnings:\n${warnings}${ui.open("none")}\n`);
}
