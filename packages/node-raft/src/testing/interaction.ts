/** Plays the commands of etcd's interaction scripts on our core; returns what they print. */
import type { MembershipChange } from "../core/options.ts";
import type { MemberId, Message } from "../core/types.ts";
import { bytesOf } from "./core-cluster.ts";
import type { DataBlock } from "./datadriven.ts";
import { ELECTION_TICKS, InteractionNode, type Report, startConf } from "./interaction-node.ts";
import { describeMessage, describeProgress, describeRole } from "./interaction-text.ts";

/** Names of the message types, as `deliver-msgs type=` gives them. */
const TYPES: Readonly<Record<string, Message["type"]>> = { MsgApp: "append", MsgSnap: "snapshot" };

export class Interaction {
  readonly #nodes = new Map<MemberId, InteractionNode>();
  #queue: (Message | Report)[] = [];
  /** Members vote without pre-vote and without regard to a leader that is heard. */
  #plainElections = true;

  run(block: DataBlock): string {
    const [first = "", second = ""] = block.args.keys();
    switch (block.command) {
      case "log-level":
      // Time-outs are always the longest here.
      case "set-randomized-election-timeout":
        return "";
      case "add-nodes":
        return this.#addNodes(block, Number(first));
      case "campaign":
        return this.#campaign(this.#node(first));
      case "propose":
        this.#node(first).input((core) => core.propose([bytesOf(textAfter(block, first))]));
        return "";
      case "propose-conf-change":
        this.#node(first).input((core) => core.proposeConf(changeOf(block)));
        return "";
      case "tick-heartbeat":
        return this.#tick(this.#node(first), 1);
      case "tick-election":
        return this.#tick(this.#node(first), ELECTION_TICKS);
      case "report-unreachable":
        this.#node(first).input((core) => core.unreachable(second));
        return "";
      case "compact":
        this.#node(first).compact(Number(second));
        return this.#node(first).logText();
      case "send-snapshot":
        return this.#sendSnapshot(this.#node(first), second);
      case "process-ready":
        return this.#processReady(idsOf(block));
      case "process-append-thread":
        return this.#appendThreads(idsOf(block));
      case "process-apply-thread":
        return this.#applyThreads(idsOf(block));
      case "deliver-msgs":
        return this.#deliverMessages(block);
      case "stabilize":
        return this.#stabilize(idsOf(block));
      case "raft-log":
        return this.#node(first).logText();
      case "raft-state":
        return this.#raftState();
      case "status":
        return describeProgress(this.#node(first).core.status()).join("\n");
      default:
        throw new Error(`${block.file}:${block.line}: the command ${block.command} is not known`);
    }
  }

  #node(id: MemberId): InteractionNode {
    const node = this.#nodes.get(id);
    if (node === undefined) throw new Error(`no member ${id}`);
    return node;
  }

  #addNodes({ args }: DataBlock, count: number): string {
    const ids = (key: string) => (args.get(key) ?? "").split(",").filter((id) => id !== "");
    this.#plainElections &&= !args.has("prevote") && !args.has("checkquorum");
    const index = Number(args.get("index") ?? 0);
    const start = index === 0 ? null : { index, conf: startConf(ids("voters"), ids("learners")) };
    for (let i = 0; i < count; i += 1) {
      const id = String(this.#nodes.size + 1);
      const inflight = Number(args.get("inflight") ?? Number.MAX_SAFE_INTEGER);
      const async = args.get("async-storage-writes") === "true";
      this.#nodes.set(id, new InteractionNode({ id, start, inflight, async }));
    }
    return "";
  }

  /**
   * Our core campaigns when its time is up, with pre-vote, and nobody answers who hears a leader.
   * Where a script has neither of the two, the order to take over (thesis §3.10) stands for it:
   * the one election that asks at once, and that no lease holds against.
   */
  #campaign(node: InteractionNode): string {
    if (this.#plainElections) {
      const { term } = node.core.status();
      node.input((core) => core.step({ type: "timeoutNow", from: "0", to: node.id, term }));
      return "";
    }
    if (node.hasReady()) throw new Error(`${node.id} has work to do before it campaigns`);
    while (!node.hasReady()) this.#tick(node, 1);
    return "";
  }

  #tick(node: InteractionNode, count: number): string {
    for (let i = 0; i < count; i += 1) node.input((core) => core.tick());
    return "";
  }

  #sendSnapshot(node: InteractionNode, to: MemberId): string {
    const { term, applied } = node.core.status();
    const meta = node.core.snapshotMeta(applied);
    const message = { type: "snapshot" as const, from: node.id, to, term, meta };
    this.#queue.push(message);
    return describeMessage(message);
  }

  #processReady(ids: readonly MemberId[]): string {
    const texts = ids.map((id) => {
      const { messages, text } = this.#node(id).processReady();
      this.#queue.push(...messages);
      return ids.length > 1 ? `> ${id} handling Ready\n${text}` : text;
    });
    return texts.join("\n");
  }

  #appendThreads(ids: readonly MemberId[]): string {
    const texts = ids.map((id) => {
      const { messages, text, done } = this.#node(id).processAppend();
      this.#queue.push(...messages, done);
      return ids.length > 1 ? `> ${id} processing append thread\n${text}` : text;
    });
    return texts.join("\n");
  }

  #applyThreads(ids: readonly MemberId[]): string {
    for (const id of ids) this.#queue.push(this.#node(id).processApply());
    return "";
  }

  #deliverMessages(block: DataBlock): string {
    const named = block.args.get("type");
    const type = named === undefined ? undefined : TYPES[named];
    if (named !== undefined && type === undefined) throw new Error(`no message is called ${named}`);
    const drop = (block.args.get("drop") ?? "").split(",").filter((id) => id !== "");
    const isOf = (item: Message | Report) =>
      type === undefined || ("type" in item && item.type === type);
    const texts = idsOf(block).map((id) => this.#deliver(id, isOf));
    for (const id of drop) {
      const dropped = this.#take(id, isOf).filter((item) => "type" in item);
      texts.push(dropped.map((message) => `dropped: ${describeMessage(message)}`).join("\n"));
    }
    return texts.join("\n");
  }

  #deliver(to: MemberId, isWanted: (item: Message | Report) => boolean = () => true): string {
    const node = this.#node(to);
    const lines: string[] = [];
    for (const item of this.#take(to, isWanted)) {
      if ("report" in item) {
        item.report();
        continue;
      }
      lines.push(describeMessage(item));
      node.input((core) => core.step(item));
    }
    return lines.join("\n");
  }

  #take(to: MemberId, isWanted: (item: Message | Report) => boolean): (Message | Report)[] {
    const taken = this.#queue.filter((item) => item.to === to && isWanted(item));
    this.#queue = this.#queue.filter((item) => !taken.includes(item));
    return taken;
  }

  /** Until nobody of them has anything to do; without ids, nobody at all. */
  #stabilize(ids: readonly MemberId[]): string {
    const nodes = ids.length > 0 ? ids.map((id) => this.#node(id)) : [...this.#nodes.values()];
    const texts: string[] = [];
    for (let round = 0; round < 1000; round += 1) {
      const before = texts.length;
      for (const node of nodes) {
        if (!node.hasReady()) continue;
        texts.push(`> ${node.id} handling Ready\n${this.#processReady([node.id])}`);
      }
      for (const { id } of nodes) {
        if (!this.#queue.some((item) => item.to === id)) continue;
        texts.push(`> ${id} receiving messages\n${this.#deliver(id)}`);
      }
      for (const node of nodes) {
        if (!node.hasAppendWork()) continue;
        texts.push(`> ${node.id} processing append thread`);
        while (node.hasAppendWork()) texts.push(this.#appendThreads([node.id]));
      }
      for (const node of nodes) {
        if (!node.hasApplyWork()) continue;
        texts.push(`> ${node.id} processing apply thread`);
        while (node.hasApplyWork()) this.#applyThreads([node.id]);
      }
      if (texts.length === before) return texts.join("\n");
    }
    throw new Error("the members do not come to rest");
  }

  #raftState(): string {
    const rows = [...this.#nodes.values()].map(({ id, core }) => {
      const { role, term, leader, conf } = core.status();
      const kind = conf.voters.includes(id) ? "Voter" : "Non-Voter";
      return `${id}: ${describeRole(role)} (${kind}) Term:${term} Lead:${leader || 0}`;
    });
    return rows.join("\n");
  }
}

function idsOf({ args }: DataBlock): MemberId[] {
  return [...args.keys()].filter((key) => /^\d+$/.test(key));
}

/** The rest of the command's line is the entry. */
function textAfter(block: DataBlock, first: string): string {
  return block.rest.slice(first.length).trim();
}

/** `v3 l4 r5`: votes, learns, is removed. */
function changeOf({ input }: DataBlock): MembershipChange {
  const operations = input.join(" ").split(" ");
  const ids = (kind: string) => operations.filter((o) => o[0] === kind).map((o) => o.slice(1));
  const members = (kind: string) => ids(kind).map((id) => ({ id, address: "" }));
  return { addVoters: members("v"), addLearners: members("l"), remove: ids("r") };
}
