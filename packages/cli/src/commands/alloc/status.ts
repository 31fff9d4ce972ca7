/** `alloc status`: an allocation, its tasks and what happened to them (spec chapter 7 §7.10). */

import { errorText } from "@drover/base";
import { exactAnswer } from "../../api-client.ts";
import {
  type Command,
  type CommandContext,
  FORMAT_FLAGS,
  misuse,
  OPEN_UI,
  VERBOSE,
} from "../../command.ts";
import { Doc } from "../../doc.ts";
import { table } from "../../format/columns.ts";
import { scoreRows } from "../../output/placement.ts";
import { ALLOC_STUB, ALLOCATION, listOf } from "../../shared/api-forms.ts";
import { orFail } from "../../shared/errors.ts";
import { printData, wantsData } from "../../shared/format.ts";
import { printHint } from "../../shared/hint.ts";
import { findAlloc } from "../../shared/lookup.ts";
import { printWhyLine } from "../../shared/why.ts";
import { addressTable, allocBasics, checksTable, shortAlloc } from "./show-alloc.ts";
import { showTasks } from "./show-tasks.ts";

export const allocStatusCommand: Command = {
  usage: "alloc status [options] <allocation>",
  summary: "Shows an allocation",
  description: "Shows an allocation, its addresses and checks, its tasks and their latest events.",
  flags: [
    { name: "short", kind: "bool", help: "Show only the tasks' last events." },
    { name: "stats", kind: "bool", help: "Show detailed resource usage." },
    OPEN_UI,
    VERBOSE,
    ...FORMAT_FLAGS,
  ],
  args: {
    min: 0,
    max: 1,
    message:
      "This command takes one of the following argument conditions:\n" +
      " * A single <allocation>\n * No arguments, with output format specified",
  },
  async run(context) {
    const { api, args, flags } = context;
    const [prefix] = args;
    if (prefix === undefined) return await listAllocs(context);
    const stub = await findAlloc(context, prefix, "look");
    const id = stub.text("ID");
    const read = api.call("allocRead", {
      params: { id },
      query: { namespace: stub.text("Namespace") },
    });
    const answer = await orFail("Error querying allocation", read);
    if (wantsData(context)) {
      return await printData(context, exactAnswer(answer), ALLOCATION);
    }
    if (flags.bool("short")) context.ui.output(shortAlloc(context, answer.doc));
    else await printAlloc(context, answer.doc);
    await printWhyLine(context, "whyAllocation", { id, namespace: stub.text("Namespace") });
    await printHint(context, "View allocation details in the Web UI", `/ui/allocations/${id}`);
    return 0;
  },
};

/** All allocations, as data only. */
async function listAllocs(context: CommandContext): Promise<number> {
  if (!wantsData(context)) {
    throw misuse("alloc status", allocStatusCommand.args.message);
  }
  const answer = await orFail("Error querying allocations", context.api.call("allocList"));
  return await printData(context, exactAnswer(answer), listOf(ALLOC_STUB));
}

async function printAlloc(context: CommandContext, alloc: Doc): Promise<void> {
  const { ui, flags } = context;
  ui.output(await allocBasics(context, alloc));
  const addresses = addressTable(alloc);
  if (addresses !== "") {
    ui.output("");
    ui.output(addresses);
  }
  const checks = checksTable(await ofClient(context, alloc, "clientAllocChecks"));
  if (checks !== "") {
    ui.output("");
    ui.output(checks);
  }
  const usage = await ofClient(context, alloc, "clientAllocStats");
  showTasks(context, alloc, usage);
  if (!flags.bool("verbose")) return;
  const scores = scoreRows(alloc.at("Metrics"), true);
  if (scores.length === 0) return;
  ui.output(`\n${ui.bold("Placement Metrics")}`);
  ui.output(table(scores));
}

/** What the node knows; one that cannot be asked leaves its part of the text out. */
async function ofClient(
  { api, ui }: CommandContext,
  alloc: Doc,
  endpoint: "clientAllocChecks" | "clientAllocStats",
): Promise<Doc> {
  try {
    return (await api.call(endpoint, { params: { id: alloc.text("ID") } })).doc;
  } catch (error) {
    if (alloc.text("ClientStatus") === "running") {
      ui.warn(`Couldn't retrieve from the client: ${errorText(error)}`);
    }
    return new Doc(null);
  }
}
