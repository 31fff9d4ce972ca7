/** `server members` and `server join` (spec chapter 7 §7.13). */

import type { Json, JsonObject } from "@drover/model";
import {
  type Command,
  type CommandContext,
  FORMAT_FLAGS,
  OPEN_UI,
  VERBOSE,
} from "../../command.ts";
import type { Doc } from "../../doc.ts";
import { table } from "../../format/columns.ts";
import { plain } from "../../shared/api-forms.ts";
import { orFail } from "../../shared/errors.ts";
import { printData, wantsData } from "../../shared/format.ts";
import { printHint } from "../../shared/hint.ts";

export const serverMembersCommand: Command = {
  usage: "server members [options]",
  summary: "Lists the servers",
  description: "Lists the servers that the asked agent knows, and which one leads.",
  flags: [OPEN_UI, VERBOSE, ...FORMAT_FLAGS],
  args: { min: 0, max: 0, message: "This command takes no arguments" },
  async run(context) {
    const { api, ui } = context;
    const answer = await orFail("Error querying servers", api.call("agentMembers"));
    const members = answer.doc.list("Members");
    const leaders = await leadersOf(context, members);
    if (wantsData(context)) {
      return await printData(context, withLeader(members, leaders), plain("[]*api.AgentMember"));
    }
    if (members.length === 0) {
      ui.error("Agent doesn't know about server members");
      return 0;
    }
    ui.output(memberTable(context, members, leaders));
    for (const member of members) {
      const why = member.at("Tags").text("quarantine");
      if (why !== "") ui.output(`\n${member.text("Name")} is ${why}.`);
    }
    await printHint(context, "View and manage Nomad servers in the Web UI", "/ui/servers");
    return 0;
  },
};

/** The leader is marked by a tag of its own. */
function withLeader(members: readonly Doc[], leaders: ReadonlySet<string>): Json {
  return members.map((member) => {
    const tags = member.at("Tags").json as JsonObject;
    const isLeader = leaders.has(`${member.text("Addr")}:${member.at("Tags").text("port")}`);
    return {
      ...(member.json as JsonObject),
      Tags: isLeader ? { ...tags, Leader: "true" } : tags,
    };
  });
}

/** `host:port` of each region's leader. */
async function leadersOf(
  { api, ui }: CommandContext,
  members: readonly Doc[],
): Promise<ReadonlySet<string>> {
  const regions = new Set(members.map((member) => member.at("Tags").text("region")));
  const leaders = new Set<string>();
  for (const region of [...regions].sort()) {
    try {
      const answer = await api.call("statusLeader", { query: { region } });
      leaders.add(String(answer.doc.json));
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      ui.warn(`Error determining leaders: Region "${region}": ${error.message}`);
    }
  }
  return leaders;
}

function memberTable(
  { flags }: CommandContext,
  members: readonly Doc[],
  leaders: ReadonlySet<string>,
): string {
  const verbose = flags.bool("verbose");
  const sorted = [...members].sort((a, b) => (a.text("Name") < b.text("Name") ? -1 : 1));
  const rows = sorted.map((member) => {
    const tags = member.at("Tags");
    const address = member.text("Addr");
    const list = tags.entries().map(([key, value]) => `${key}=${String(value.json)}`);
    return [
      member.text("Name"),
      address,
      String(member.num("Port")),
      tags.text("quarantine") === "" ? member.text("Status") : "quarantined",
      String(leaders.has(`${address}:${tags.text("port")}`)),
      ...(verbose ? [String(member.num("ProtocolCur"))] : []),
      tags.text("raft_vsn"),
      tags.text("build"),
      tags.text("dc"),
      tags.text("region"),
      ...(verbose ? [list.join(",")] : []),
    ];
  });
  const header = ["Name", "Address", "Port", "Status", "Leader"];
  const rest = ["Raft Version", "Build", "Datacenter", "Region"];
  return table([
    verbose ? [...header, "Protocol", ...rest, "Tags"] : [...header, ...rest],
    ...rows,
  ]);
}

export const serverJoinCommand: Command = {
  usage: "server join [options] <addr> [<addr>...]",
  summary: "Joins another server",
  description: "Tells the asked agent to join the servers at the addresses.",
  flags: [],
  args: {
    min: 1,
    max: Number.POSITIVE_INFINITY,
    message: "One or more node addresses must be given as arguments",
  },
  async run({ api, args, ui }) {
    const join = api.call("agentJoin", { query: { address: args } });
    const answer = (await orFail("Error joining", join)).doc;
    if (answer.text("error") !== "") {
      ui.error(`Error joining: ${answer.text("error")}`);
      return 1;
    }
    ui.output(`Joined ${answer.num("num_joined")} servers successfully`);
    return 0;
  },
};
