/** `operator raft list-peers` and `transfer-leadership` (spec chapter 7 §7.13). */
import { type Command, CommandError } from "../../command.ts";
import type { Doc } from "../../doc.ts";
import { table } from "../../format/columns.ts";
import { orFail } from "../../shared/errors.ts";

export const raftListPeersCommand: Command = {
  usage: "operator raft list-peers [options]",
  summary: "Lists the servers of the Raft cluster",
  description: "Lists the servers that keep the state together, and which one leads.",
  flags: [{ name: "stale", kind: "bool", default: "false", help: "Any server may answer." }],
  args: { min: 0, max: 0, message: "This command takes no arguments" },
  async run({ api, flags, ui }) {
    const query = flags.bool("stale") ? { stale: "" } : {};
    const read = api.call("raftConfiguration", { query });
    const { doc } = await orFail("Failed to retrieve raft configuration", read);
    const rows = doc
      .list("Servers")
      .map((server) => [
        server.text("Node"),
        server.text("ID"),
        server.text("Address"),
        server.flag("Leader") ? "leader" : "follower",
        String(server.flag("Voter")),
        server.text("RaftProtocol"),
      ]);
    ui.output(table([["Node", "ID", "Address", "State", "Voter", "RaftProtocol"], ...rows]));
    const waiting = upgradeText(doc);
    if (waiting !== "") ui.output(waiting);
    return 0;
  },
};

/** Whom an upgrade waits for; "" where every server's program is of one age. */
function upgradeText(doc: Doc): string {
  const level = doc.num("FeatureLevel");
  const servers = doc.list("Servers");
  const newest = Math.max(0, ...servers.map((one) => one.num("NewestFeatureLevel")));
  const older = servers.filter((one) => one.num("NewestFeatureLevel") < newest);
  if (older.length === 0) return "";
  const names = older.map((one) => one.text("Node")).sort();
  return `\nFeature level ${level}, and ${newest} once these are upgraded: ${names.join(", ")}`;
}

export const raftTransferCommand: Command = {
  usage: "operator raft transfer-leadership [options]",
  summary: "Hands leadership to another server",
  description: "Makes the server with the id or the address the leader.",
  flags: [
    { name: "peer-id", kind: "string", help: "Id of the server." },
    { name: "peer-address", kind: "string", help: "Address of the server, host:port." },
  ],
  args: { min: 0, max: 0, message: "This command takes no arguments" },
  async run({ api, flags, ui }) {
    const id = flags.string("peer-id");
    const address = flags.string("peer-address");
    if (id === "" && address === "") throw new CommandError("Missing peer id or address required");
    if (id !== "" && address !== "") {
      throw new CommandError("Only one of -peer-id and -peer-address may be given");
    }
    const query: Record<string, string> = id === "" ? { address } : { id };
    const transfer = api.call("raftTransfer", { query });
    await orFail("Failed to transfer leadership to peer", transfer);
    ui.output(
      `Transferred leadership to peer with ${id === "" ? "address" : "id"} "${id || address}"`,
    );
    return 0;
  },
};
