/**
 * Follows a drain: the node until its strategy is gone, its allocations until none runs
 * (spec chapter 7 §7.11).
 */
import type { CommandContext } from "../command.ts";
import type { Doc } from "../doc.ts";
import { formatInstant } from "../format/time.ts";
import { orFail } from "../shared/errors.ts";

const ENDED: readonly string[] = ["complete", "failed", "lost"];

/** Ends when the node is drained and its allocations have stopped. */
export async function monitorDrain(
  context: CommandContext,
  nodeId: string,
  index: number,
  ignoreSystem: boolean,
): Promise<void> {
  const { ui, now } = context;
  const say = (text: string) => ui.output(`${formatInstant(now())}: ${text}`);
  const drain = { complete: false };
  const node = watchNode(context, nodeId, index).then(() => {
    drain.complete = true;
    ui.info(`${formatInstant(now())}: Drain complete for node ${nodeId}`);
  });
  const allocs = new AllocWatch(context, nodeId, { ignoreSystem, say }).run();
  await Promise.all([node, allocs]);
  say(`All allocations on node "${nodeId}" have stopped`);
}

async function watchNode(context: CommandContext, id: string, from: number): Promise<void> {
  let index = from;
  for (;;) {
    const read = context.api.call("nodeRead", { params: { id }, query: { index, stale: "" } });
    const answer = await orFail("Error monitoring node", read);
    if (!answer.doc.at("DrainStrategy").exists) return;
    index = answer.index;
  }
}

interface WatchOptions {
  readonly ignoreSystem: boolean;
  readonly say: (text: string) => void;
}

class AllocWatch {
  readonly #context: CommandContext;
  readonly #nodeId: string;
  readonly #options: WatchOptions;
  #known: Map<string, Doc> | null = null;

  constructor(context: CommandContext, nodeId: string, options: WatchOptions) {
    this.#context = context;
    this.#nodeId = nodeId;
    this.#options = options;
  }

  async run(): Promise<void> {
    let index = 0;
    for (;;) {
      const answer = await orFail(
        "Error monitoring allocations",
        this.#context.api.call("nodeAllocations", {
          params: { id: this.#nodeId },
          query: { ...(index > 0 ? { index } : {}), stale: "" },
        }),
      );
      index = answer.index;
      if (!this.#report(answer.doc.list())) return;
    }
  }

  /** Whether something still runs. */
  #report(allocs: readonly Doc[]): boolean {
    const before = this.#known;
    this.#known = new Map(allocs.map((alloc) => [alloc.text("ID"), alloc]));
    if (before) {
      for (const alloc of allocs) this.#reportAlloc(alloc, before.get(alloc.text("ID")));
    }
    return allocs.some((alloc) => this.#counts(alloc) && !hasEnded(alloc));
  }

  #counts(alloc: Doc): boolean {
    return !(this.#options.ignoreSystem && alloc.at("Job").text("Type") === "system");
  }

  #reportAlloc(alloc: Doc, before: Doc | undefined): void {
    const { say } = this.#options;
    const name = `Alloc "${alloc.text("ID")}"`;
    if (isMarked(alloc) && !(before && isMarked(before)) && !hasEnded(alloc)) {
      say(`${name} marked for migration`);
    }
    const draining = (item: Doc) => isMarked(item) && item.text("DesiredStatus") === "stop";
    if (draining(alloc) && !(before && draining(before))) say(`${name} draining`);
    const status = alloc.text("ClientStatus");
    if (!before) say(`${name} created`);
    else if (before.text("ClientStatus") !== status) {
      say(`${name} status ${before.text("ClientStatus")} -> ${status}`);
    }
  }
}

function isMarked(alloc: Doc): boolean {
  return alloc.at("DesiredTransition").flag("Migrate");
}

function hasEnded(alloc: Doc): boolean {
  return ENDED.includes(alloc.text("ClientStatus"));
}
