import type { Command } from "../command.ts";

export const versionCommand: Command = {
  usage: "version",
  summary: "Prints the version",
  description: "Prints Drover's version and the version of the interfaces it speaks.",
  flags: [],
  args: { min: 0, max: 0, message: "This command takes no arguments" },
  local: true,
  async run({ ui }) {
    const { COMPATIBILITY_VERSION, DROVER_VERSION } = await import("@drover/agent/version");
    ui.output(`Drover v${DROVER_VERSION}`);
    ui.output(`Speaks: v${COMPATIBILITY_VERSION}`);
    return 0;
  },
};
