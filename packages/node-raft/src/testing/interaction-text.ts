/**
 * How etcd's interaction scripts write down what a member does, and what of that is compared: not
 * what it logs, not what passes between a member and its own disk, and within one step not the
 * order in which it speaks to different members.
 */
import type { CoreStatus } from "../core/options.ts";
import type { Entry, Message, SnapshotMeta } from "../core/types.ts";
import { EntryKind } from "../core/types.ts";

const LOGGED = /^\s*(?:INFO|DEBUG|WARN|ERROR) /;
/** Says nothing that is not said elsewhere, or only how a Ready is laid out. */
const LAYOUT = /^(?:ok|<empty Ready>|Ready MustSync=.*|Messages:|Processing:|Responses:)$/;
const LOCAL = /(?:AppendThread|ApplyThread)|^(?:dropped: )?(\d+)->\1 /;

/** Lines that are equal when two texts say the same. */
export function comparable(text: string): string {
  const lines = joinNested(text)
    .split("\n")
    .filter((line) => !LOGGED.test(line))
    .map((line) => line.trim());
  const sections: { title: string; lines: string[] }[] = [{ title: "", lines: [] }];
  let list = "";
  for (const line of lines) {
    const section = sections.at(-1) as { title: string; lines: string[] };
    if (line.startsWith("> ")) sections.push({ title: line, lines: [] });
    if (line.startsWith("> ") || LAYOUT.test(line)) list = "";
    else if (line === "Entries:" || line === "CommittedEntries:") list = `${line} `;
    else if (line !== "" && !LOCAL.test(line)) {
      if (!/^\d+\/\d+ Entry/.test(line)) list = "";
      section.lines.push(list + withoutDetail(line));
    }
  }
  return sections
    .filter((section) => section.lines.length > 0)
    .flatMap(({ title, lines: said }) => [...(title === "" ? [] : [title]), ...ordered(said)])
    .join("\n");
}

/** Entries, snapshots and promised answers of a message stand on lines of their own. */
function joinNested(text: string): string {
  return text
    .replace(/ Responses:\[\n[\s\S]*?\n\s*\]/g, "")
    .replace(/Entries:\[\n([\s\S]*?)\n\s*\]/g, (_, entries: string) => {
      return `Entries:[${entries.trim().split(/\n\s*/).join("; ")}]`;
    })
    .replace(/\n\s+Snapshot: /g, " Snapshot: ");
}

/** Inside the window of messages on their way the core lets nobody look. */
function withoutDetail(line: string): string {
  const plain = line.replace(/EntryConfChange(?:V2)?(?: [vlr]\d+)*/g, "EntryConf");
  return /^\d+: State\w+ match=/.test(plain)
    ? plain.replace(/ paused| inactive| inflight=\d+(?:\[full\])?/g, "")
    : plain;
}

function ordered(lines: readonly string[]): string[] {
  const isMessage = (line: string) => /^(?:dropped: )?\d+->\d+ /.test(line);
  const receiver = (line: string) => Number(/->(\d+) /.exec(line)?.[1]);
  const messages = lines.filter(isMessage).sort((a, b) => receiver(a) - receiver(b));
  return [...lines.filter((line) => !isMessage(line)), ...messages];
}

export function describeMessage(message: Message): string {
  const { from, to, term } = message;
  return `${from}->${to} ${describeBody(message).replace(" ", ` Term:${term} `)}`;
}

function describeBody(message: Message): string {
  switch (message.type) {
    case "append": {
      const { prevTerm, prevIndex, commit, entries } = message;
      const list = entries.length > 0 ? ` Entries:[${entries.map(describeEntry).join("; ")}]` : "";
      return `MsgApp Log:${position(prevTerm, prevIndex)}${commitOf(commit)}${list}`;
    }
    case "appendReply": {
      const { ok, index, hintTerm, hintIndex } = message;
      if (ok) return `MsgAppResp Log:0/${index}`;
      const [hint] = position(hintTerm, hintIndex).split("/");
      return `MsgAppResp Log:${hint}/${index} Rejected (Hint: ${hintIndex})`;
    }
    case "heartbeat":
      return `MsgHeartbeat Log:0/0${commitOf(message.commit)}`;
    case "heartbeatReply":
      return "MsgHeartbeatResp Log:0/0";
    case "preVote":
    case "vote": {
      const name = message.type === "vote" ? "MsgVote" : "MsgPreVote";
      return `${name} Log:${position(message.lastTerm, message.lastIndex)}`;
    }
    case "preVoteReply":
    case "voteReply": {
      const name = message.type === "voteReply" ? "MsgVoteResp" : "MsgPreVoteResp";
      return `${name} Log:0/0${message.granted ? "" : " Rejected (Hint: 0)"}`;
    }
    case "snapshot":
      return `MsgSnap Log:0/0 Snapshot: ${describeSnapshot(message.meta)}`;
    default:
      return `${message.type} Log:0/0`;
  }
}

export function describeEntry({ term, index, kind, data }: Entry): string {
  if (kind === EntryKind.config) return `${term}/${index} EntryConf`;
  return `${term}/${index} EntryNormal ${JSON.stringify(String.fromCharCode(...data))}`;
}

export function describeSnapshot({ index, term, conf }: SnapshotMeta): string {
  const list = (ids: readonly string[]) => `[${ids.join(" ")}]`;
  const { voters, votersOutgoing, learners, learnersNext, autoLeave } = conf;
  return [
    `Index:${index}`,
    `Term:${position(term, index).split("/")[0]}`,
    `ConfState:Voters:${list(voters)}`,
    `VotersOutgoing:${list(votersOutgoing)}`,
    `Learners:${list(learners)}`,
    `LearnersNext:${list(learnersNext)}`,
    `AutoLeave:${autoLeave}`,
  ].join(" ");
}

export function describeRole(role: CoreStatus["role"]): string {
  const shown = role === "learner" ? "follower" : role;
  return `State${shown[0]?.toUpperCase()}${shown.slice(1)}`;
}

export function describeProgress(status: CoreStatus): string[] {
  const own = { state: "replicate", match: status.stable, next: status.stable + 1 };
  const rows = { ...status.progress, [status.id]: { ...own, pendingSnapshot: 0 } };
  return Object.entries(rows)
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([id, { state, match, next, pendingSnapshot }]) => {
      const name = `State${state[0]?.toUpperCase()}${state.slice(1)}`;
      const learner = status.conf.learners.includes(id) ? " learner" : "";
      const pending = pendingSnapshot > 0 ? ` pendingSnap=${pendingSnapshot}` : "";
      return `${id}: ${name} match=${match} next=${next}${learner}${pending}`;
    });
}

/** Members start from a snapshot of term 0 here: a member's term is not below its log's. */
function position(term: number, index: number): string {
  return `${term === 0 && index > 0 ? 1 : term}/${index}`;
}

function commitOf(commit: number): string {
  return commit === 0 ? "" : ` Commit:${commit}`;
}
