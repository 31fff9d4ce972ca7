/** `alloc logs`: what a task has printed (spec chapter 7 §7.10). */
import { errorText } from "@drover/base";
import {
  type Command,
  type CommandContext,
  CommandError,
  type FlagSpec,
  misuse,
  VERBOSE,
} from "../../command.ts";
import type { Doc } from "../../doc.ts";
import { anyAllocOfJob, onlyTask, ownerAddress, readAlloc } from "../../shared/alloc.ts";
import { followFrames, printFrames, TAIL_FLAGS, tailOf, wantsTail } from "../../shared/tail.ts";

const FLAGS: readonly FlagSpec[] = [
  { name: "stdout", kind: "bool", help: "Show standard output." },
  { name: "stderr", kind: "bool", help: "Show standard error." },
  { name: "task", kind: "string", help: "The task." },
  { name: "group", kind: "string", help: "With -job: an allocation of this group." },
  { name: "job", kind: "bool", help: "The argument is a job; one of its allocations is used." },
  VERBOSE,
  ...TAIL_FLAGS,
];

export const allocLogsCommand: Command = {
  usage: "alloc logs [options] <allocation> <task>",
  summary: "Prints the output of a task",
  description: "Prints what a task wrote; with -f goes on as it writes.",
  flags: FLAGS,
  args: { min: 0, max: Number.POSITIVE_INFINITY, message: "" },
  async run(context) {
    const { args, flags } = context;
    const [target] = args;
    if (target === undefined) {
      throw misuse(
        "alloc logs",
        flags.bool("job") ? "A job ID is required" : "An allocation ID is required",
      );
    }
    if (args.length > 2) throw misuse("alloc logs", "This command takes one or two arguments");
    if (flags.bool("stdout") && flags.bool("stderr") && !flags.bool("f")) {
      throw misuse("alloc logs", "Can only specify one of -stdout or -stderr without -f");
    }
    const alloc = await allocOf(context, target);
    const task = flags.string("task") || args[1] || chosenTask(alloc);
    await printLogs(context, alloc, task);
    return 0;
  },
};

async function allocOf(context: CommandContext, target: string): Promise<Doc> {
  const { flags } = context;
  if (!flags.bool("job")) return await readAlloc(context, target);
  const chosen = await anyAllocOfJob(context, target, flags.string("group"));
  return await readAlloc(context, chosen.text("ID"));
}

function chosenTask(alloc: Doc): string {
  try {
    return onlyTask(alloc);
  } catch (error) {
    throw new CommandError(`Failed to validate task: ${errorText(error)}`);
  }
}

async function printLogs(context: CommandContext, alloc: Doc, task: string): Promise<void> {
  const { flags, ui } = context;
  const follow = flags.bool("f");
  const both = follow && !wantsTail(flags) && flags.bool("stderr") === flags.bool("stdout");
  const kinds = both
    ? (["stdout", "stderr"] as const)
    : ([flags.bool("stderr") ? "stderr" : "stdout"] as const);
  const signal = follow ? context.interrupted() : null;
  await Promise.all(
    kinds.map(async (kind) => {
      try {
        const stream = await openLogs(context, alloc, { task, kind, fromEnd: both });
        const write = kind === "stdout" ? ui.write : ui.writeError;
        if (signal) await followFrames(context, stream, write, signal);
        else await printFrames(context, stream, write);
      } catch (error) {
        if (signal?.aborted) return;
        throw new CommandError(`Failed to read ${kind} file: ${errorText(error)}`);
      }
    }),
  );
}

async function openLogs(
  context: CommandContext,
  alloc: Doc,
  what: { readonly task: string; readonly kind: "stdout" | "stderr"; readonly fromEnd: boolean },
) {
  const { api, flags } = context;
  const address = await ownerAddress(context, alloc);
  const { offset, origin } = tailOf(context);
  try {
    return await api.stream("fsLogs", {
      address,
      params: { id: alloc.text("ID") },
      query: {
        follow: flags.bool("f"),
        offset,
        origin: what.fromEnd ? "end" : origin,
        region: api.region || "global",
        task: what.task,
        type: what.kind,
      },
    });
  } catch (error) {
    throw new Error(`error reading file: ${errorText(error)}`, { cause: error });
  }
}
