/**
 * Prints a deployment each time it is answered, to its end; when a failed one is taken back, the
 * one of the reverted job follows (spec chapter 7 §7.7).
 */
import type { CommandContext } from "../command.ts";
import type { Doc } from "../doc.ts";
import { shortId } from "../format/ids.ts";
import { formatInstant } from "../format/time.ts";
import { allocTable } from "../output/alloc-table.ts";
import { deploymentBlock } from "../output/deployment.ts";
import { orFail } from "../shared/errors.ts";
import { LiveBlock } from "./live-block.ts";

const REVERT_WAIT_MS = 1_000;
const OVER: readonly string[] = ["failed", "successful", "cancelled", "blocked"];

export interface FollowOptions {
  readonly verbose: boolean;
  /** `wait` of the held queries; "" = the server's own maximum. */
  readonly wait: string;
  /** Line before each block: four spaces after an evaluation, nothing in `deployment status`. */
  readonly lead: string;
  /** Index that the first query is held from; 0 = print the current state first. */
  readonly index: number;
  /**
   * Nobody asked to watch: one that is paused to begin with is shown and left. One that is paused
   * later is followed on, as whoever paused it will resume it (spec chapter 7 §7.7).
   */
  readonly leavePaused: boolean;
}

/** The status that the deployment asked for ended in. */
export async function followDeployment(
  context: CommandContext,
  deploymentId: string,
  options: FollowOptions,
): Promise<string> {
  const { ui } = context;
  const live = ui.isTerminal ? new LiveBlock(ui, shortId(deploymentId, options.verbose)) : null;
  const print = (text: string) => ui.output(`${options.lead}\n${text}`);
  try {
    const show = live ? (text: string) => live.show(text) : print;
    const last = await watchToEnd(context, deploymentId, options, show);
    const status = last.deployment.text("Status");
    if (live) live.end(status, last.text);
    else print(last.text);
    if (status === "paused") sayPaused(context, shortId(deploymentId, options.verbose));
    if (status === "failed" && canRevert(last.deployment)) {
      await followRevert(context, last.deployment, options);
    }
    return status;
  } finally {
    live?.stop();
  }
}

interface LastPicture {
  readonly deployment: Doc;
  readonly text: string;
}

/** Shows every picture but the last one, which it gives back. */
async function watchToEnd(
  context: CommandContext,
  id: string,
  options: FollowOptions,
  show: (text: string) => void,
): Promise<LastPicture> {
  let { index } = options;
  for (let isFirst = true; ; isFirst = false) {
    const answer = await orFail(
      "Error fetching deployment",
      context.api.call("deploymentRead", {
        params: { id },
        query: {
          ...(index > 0 ? { index } : {}),
          stale: "",
          ...(options.wait === "" ? {} : { wait: options.wait }),
        },
      }),
    );
    index = answer.index;
    const deployment = answer.doc;
    const text = await picture(context, deployment, options);
    if (OVER.includes(deployment.text("Status"))) return { deployment, text };
    if (isFirst && options.leavePaused && (await isPaused(context, deployment))) {
      return { deployment, text };
    }
    show(text);
  }
}

/** What an agent shows may be older than the resume that was just asked for: the leader knows. */
async function isPaused(context: CommandContext, shown: Doc): Promise<boolean> {
  if (shown.text("Status") !== "paused") return false;
  const params = { id: shown.text("ID") };
  const asked = context.api.call("deploymentRead", { params });
  return (await orFail("Error fetching deployment", asked)).doc.text("Status") === "paused";
}

function sayPaused({ ui }: CommandContext, id: string): void {
  ui.output(`
Deployment "${id}" is paused: it goes no further before it is resumed.
Resume it and watch it to its end: drover deployment resume ${id}`);
}

function canRevert(deployment: Doc): boolean {
  return deployment.entries("TaskGroups").some(([, group]) => group.flag("AutoRevert"));
}

async function followRevert(
  context: CommandContext,
  failed: Doc,
  options: FollowOptions,
): Promise<void> {
  await context.sleep(REVERT_WAIT_MS);
  const namespace = failed.text("Namespace");
  const answer = await orFail(
    "Error fetching rollback deployment",
    context.api.call("jobLatestDeployment", {
      params: { id: failed.text("JobID") },
      ...(namespace === "default" ? {} : { query: { namespace } }),
    }),
  );
  const latest = answer.doc.text("ID");
  if (latest === "" || latest === failed.text("ID")) return;
  if (!context.ui.isTerminal) context.ui.output("");
  await followDeployment(context, latest, options);
}

async function picture(
  context: CommandContext,
  deployment: Doc,
  { verbose }: FollowOptions,
): Promise<string> {
  const { ui, now } = context;
  const block = deploymentBlock(deployment, { ui, verbose, withJob: true });
  const text = `${formatInstant(now())}\n${block}`;
  if (!verbose) return text;
  const params = { id: deployment.text("ID") };
  const answer = await orFail(
    "Error fetching allocations",
    context.api.call("deploymentAllocations", { params }),
  );
  const allocs = allocTable(answer.doc.list(), { verbose, now: now() });
  return `${text}\n\n${ui.bold("Allocations")}\n${allocs}`;
}
