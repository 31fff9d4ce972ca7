/** `agent-info`: the figures of the asked agent (spec chapter 7 §7.13). */

import { exactAnswer } from "../api-client.ts";
import { type Command, FORMAT_FLAGS } from "../command.ts";
import { plain } from "../shared/api-forms.ts";
import { orFail } from "../shared/errors.ts";
import { printData, wantsData } from "../shared/format.ts";

export const agentInfoCommand: Command = {
  usage: "agent-info [options]",
  summary: "Shows figures of the agent",
  description: "Shows what the asked agent counts.",
  flags: FORMAT_FLAGS,
  args: { min: 0, max: 0, message: "This command takes no arguments" },
  async run(context) {
    const { api, ui } = context;
    const answer = await orFail(
      "Error querying agent info: failed querying self endpoint",
      api.call("agentSelf"),
    );
    if (wantsData(context)) {
      return await printData(context, exactAnswer(answer), plain("*api.AgentSelf"));
    }
    for (const [section, values] of answer.doc.entries("stats")) {
      const lines = values.entries().map(([key, value]) => `  ${key} = ${String(value.json)}`);
      ui.output([section, ...lines].join("\n"));
    }
    return 0;
  },
};
