/** `alloc restart` and `alloc signal`: acts on running tasks (spec chapter 7 §7.10). */
import {
  type Command,
  type CommandContext,
  CommandError,
  type FlagSpec,
  misuse,
  VERBOSE,
} from "../../command.ts";
import type { Doc } from "../../doc.ts";
import { readAlloc, tasksOf } from "../../shared/alloc.ts";
import { orFail } from "../../shared/errors.ts";

const TASK: FlagSpec = { name: "task", kind: "string", help: "The task." };

export const allocRestartCommand: Command = {
  usage: "alloc restart [options] <allocation> <task>",
  summary: "Restarts tasks in place",
  description: "Restarts the running tasks of an allocation, or one of them.",
  flags: [{ name: "all-tasks", kind: "bool", help: "Also tasks that have ended." }, TASK, VERBOSE],
  args: {
    min: 1,
    max: 2,
    message: "This command takes one or two arguments: <alloc-id> <task-name>",
  },
  async run(context) {
    const { api, flags } = context;
    const task = taskName(context);
    if (flags.bool("all-tasks") && task !== "") {
      throw misuse("alloc restart", "The -all-tasks option is not allowed when restarting a task");
    }
    const alloc = await readAlloc(context, context.args[0] as string);
    checkTask(alloc, task);
    const body = { TaskName: task, AllTasks: flags.bool("all-tasks") };
    const restart = api.call("clientAllocRestart", { params: { id: alloc.text("ID") }, body });
    await orFail("Failed to restart allocation", restart);
    return 0;
  },
};

export const allocSignalCommand: Command = {
  usage: "alloc signal [options] <allocation> <task>",
  summary: "Signals tasks",
  description: "Sends a signal to the tasks of an allocation, or to one of them.",
  flags: [{ name: "s", kind: "string", default: "SIGKILL", help: "The signal." }, TASK, VERBOSE],
  args: { min: 1, max: 2, message: "This command takes up to two arguments: <alloc-id> <task>" },
  async run(context) {
    const { api, flags } = context;
    const task = taskName(context);
    const alloc = await readAlloc(context, context.args[0] as string);
    checkTask(alloc, task);
    const body = { Task: task, Signal: flags.string("s") };
    const signal = api.call("clientAllocSignal", { params: { id: alloc.text("ID") }, body });
    await orFail("Error signalling allocation", signal);
    return 0;
  },
};

/** By flag or by argument; "" = all. */
function taskName({ flags, args }: CommandContext): string {
  return flags.string("task") || (args[1] ?? "");
}

function checkTask(alloc: Doc, task: string): void {
  const tasks = tasksOf(alloc);
  if (task === "" || tasks.includes(task)) return;
  throw new CommandError(`Could not find task named: ${task}, found:\n${tasks.join("\n")}`);
}
