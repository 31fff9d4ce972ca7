/** `operator raft recover`: for servers that lost their quorum for good (docs/servers.md). */
import { resolve } from "node:path";
import { type Command, type CommandContext, CommandError } from "../../command.ts";
import { keyValues } from "../../format/columns.ts";

const LOSSES = `What only the other servers had is lost, among it writes that were acknowledged while this
server was behind. What this one has is kept, acknowledged or not.`;

export const raftRecoverCommand: Command = {
  usage: "operator raft recover [options]",
  summary: "Makes a stopped server the only one of its cluster",
  description:
    "For servers that lost their quorum for good. Stop the agent first, and choose the server\n" +
    "with the highest last term, and of those the one with the highest last index. It begins\n" +
    "anew as the only voter, with the state that it has; the others join it with empty\n" +
    "directories. Without -yes only what is there is shown.",
  flags: [
    { name: "data-dir", kind: "string", help: "Data directory of the stopped agent." },
    {
      name: "address",
      kind: "string",
      help: "host:port where other agents will reach it; as before when left out.",
    },
    {
      name: "despite-quarantine",
      kind: "bool",
      default: "false",
      help: "Take a server whose state differed from the majority's: no other is left.",
    },
    { name: "yes", kind: "bool", default: "false", help: "Do it." },
  ],
  args: { min: 0, max: 0, message: "This command takes no arguments" },
  local: true,
  async run(context) {
    const { flags, ui } = context;
    const given = flags.string("data-dir");
    if (given === "") throw new CommandError("Missing -data-dir: the stopped agent's directory");
    const dataDir = resolve(context.directory, given);
    const { inspectServer, recoverServer } = await import("@drover/agent");
    if (!flags.bool("yes")) {
      const server = attempt(() => inspectServer(dataDir));
      ui.output(`${show(server)}\n\n${LOSSES}`);
      throw new CommandError("Nothing was changed: to go on with this server alone, add -yes");
    }
    const despiteQuarantine = flags.bool("despite-quarantine");
    const recovered = attempt(() =>
      recoverServer(dataDir, flags.string("address"), { despiteQuarantine }),
    );
    ui.output(`${show(recovered.before)}\n\n${after(context, recovered)}`);
    return 0;
  },
};

type ServerOnDisk = ReturnType<typeof import("@drover/agent").inspectServer>;
type RecoveredServer = ReturnType<typeof import("@drover/agent").recoverServer>;

function show(server: ServerOnDisk): string {
  const rows: [string, string][] = [
    ["Server", server.id],
    ["Address", server.address || "<none>"],
    ["Cluster", server.clusterId],
    ["Last Term", String(server.lastTerm)],
    ["Last Index", String(server.lastIndex)],
    ["Commit Index", String(server.commitIndex)],
    ["Voters", server.voters.join(", ")],
    ["Standbys", server.standbys.join(", ") || "<none>"],
    ...server.notes.map((note): [string, string] => ["Note", note]),
  ];
  return keyValues(rows);
}

function after({ commandLine }: CommandContext, { left, backupDir }: RecoveredServer): string {
  const others =
    left.length === 0 ? "" : `\n\nServers that were left behind:\n  ${left.join("\n  ")}`;
  return `Recovered: this server is the only voter now. Start its agent.
The directory as it was: ${backupDir}

${LOSSES}${others}

Move the "raft" directory of every other server away before its agent starts again; it then
joins as a new one. Until then this cluster refuses it. ("${commandLine[0]} operator raft list-peers"
shows who is back.)`;
}

function attempt<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new CommandError(error instanceof Error ? error.message : String(error));
  }
}
