/** `operator autopilot get-config|health` (spec chapter 7 §7.13). */

import { exactAnswer } from "../../api-client.ts";
import { type Command, FORMAT_FLAGS } from "../../command.ts";
import { table } from "../../format/columns.ts";
import { plain } from "../../shared/api-forms.ts";
import { orFail } from "../../shared/errors.ts";
import { printData, wantsData } from "../../shared/format.ts";

const NO_ARGS = { min: 0, max: 0, message: "This command takes no arguments" };

const SETTINGS = [
  "CleanupDeadServers",
  "LastContactThreshold",
  "MaxTrailingLogs",
  "MinQuorum",
  "ServerStabilizationTime",
  "EnableRedundancyZones",
  "DisableUpgradeMigration",
  "EnableCustomUpgrades",
] as const;

export const autopilotGetCommand: Command = {
  usage: "operator autopilot get-config [options]",
  summary: "Shows how servers come and go by themselves",
  description: "Shows the configuration of what admits and removes servers.",
  flags: FORMAT_FLAGS,
  args: NO_ARGS,
  async run(context) {
    const { api, ui } = context;
    const answer = await orFail(
      "Error querying Autopilot configuration",
      api.call("autopilotConfiguration"),
    );
    if (wantsData(context)) {
      return await printData(context, exactAnswer(answer), plain("*api.AutopilotConfiguration"));
    }
    const lines = SETTINGS.map((name) => `${name} = ${String(answer.doc.at(name).json)}`);
    ui.output(lines.join("\n"));
    return 0;
  },
};

export const autopilotHealthCommand: Command = {
  usage: "operator autopilot health [options]",
  summary: "Shows the health of the servers",
  description: "Shows which servers are healthy, and how many may fail.",
  flags: FORMAT_FLAGS,
  args: NO_ARGS,
  async run(context) {
    const { api, ui } = context;
    const answer = await orFail("Error querying Autopilot health", api.call("autopilotHealth"));
    if (wantsData(context)) {
      return await printData(context, exactAnswer(answer), plain("*api.OperatorHealthReply"));
    }
    const { doc } = answer;
    const rows = doc
      .list("Servers")
      .map((server) => [
        server.text("ID"),
        server.text("Name"),
        server.text("Address"),
        server.text("SerfStatus"),
        server.text("Version"),
        String(server.flag("Leader")),
        String(server.flag("Voter")),
        String(server.flag("Healthy")),
        server.text("LastContact"),
        String(server.num("LastTerm")),
        String(server.num("LastIndex")),
        utcText(server.time("StableSince")),
      ]);
    const header = ["ID", "Name", "Address", "SerfStatus", "Version", "Leader", "Voter"];
    const columns = [...header, "Healthy", "LastContact", "LastTerm", "LastIndex", "StableSince"];
    ui.output(
      [
        `Healthy: ${doc.flag("Healthy")}`,
        `FailureTolerance: ${doc.num("FailureTolerance")}`,
        `Leader: ${doc.text("Leader")}`,
        "Voters:  ",
        `\t${doc.texts("Voters").join("\n\t")}`,
        "Servers: ",
        `${table([columns, ...rows])}\n`,
      ].join("\n"),
    );
    return 0;
  },
};

/** `2026-11-23 01:09:40 +0000 UTC` */
function utcText(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} +0000 UTC`;
}
