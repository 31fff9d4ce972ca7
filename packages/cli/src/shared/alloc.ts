/** What commands on one allocation share. */
import { type CommandContext, CommandError } from "../command.ts";
import type { Doc } from "../doc.ts";
import { shortId } from "../format/ids.ts";
import { quote } from "../format/quote.ts";
import { orFail } from "./errors.ts";
import { findAlloc, findJob } from "./lookup.ts";

/** The whole allocation that a prefix means. */
export async function readAlloc(context: CommandContext, prefix: string): Promise<Doc> {
  const stub = await findAlloc(context, prefix);
  return await readAllocById(context, stub);
}

export async function readAllocById({ api }: CommandContext, stub: Doc): Promise<Doc> {
  const options = { params: { id: stub.text("ID") }, query: { namespace: stub.text("Namespace") } };
  return (await orFail("Error querying allocation", api.call("allocRead", options))).doc;
}

/** An allocation of a job, as the list shows it: a running one where there is one. */
export async function anyAllocOfJob(
  context: CommandContext,
  prefix: string,
  group: string,
): Promise<Doc> {
  const { api } = context;
  const { id, namespace } = await findJob(context, prefix);
  const query = { all: false, namespace };
  const list = api.call("jobAllocations", { params: { id }, query });
  const all = (await orFail("Error fetching allocations", list)).doc.list();
  const ofGroup = all.filter((alloc) => group === "" || alloc.text("TaskGroup") === group);
  const running = ofGroup.filter((alloc) => alloc.text("ClientStatus") === "running");
  const candidates = running.length > 0 ? running : ofGroup;
  const chosen = candidates[Math.floor(Math.random() * candidates.length)];
  if (chosen) return chosen;
  const where =
    group === "" ? `job ${quote(id)}` : `task group ${quote(group)} of job ${quote(id)}`;
  throw new CommandError(`No allocations found for ${where}`);
}

/** The tasks of an allocation's group, in the file's order. */
export function tasksOf(alloc: Doc): string[] {
  return groupOf(alloc)
    .list("Tasks")
    .map((task) => task.text("Name"));
}

export function groupOf(alloc: Doc): Doc {
  const groups = alloc.at("Job").list("TaskGroups");
  const name = alloc.text("TaskGroup");
  const [first] = groups;
  return groups.find((group) => group.text("Name") === name) ?? (first as Doc);
}

/** The only task; several must be chosen from. */
export function onlyTask(alloc: Doc): string {
  const tasks = tasksOf(alloc);
  const [only] = tasks;
  if (only !== undefined && tasks.length === 1) return only;
  const list = tasks.map((name) => `  * ${name}`).join("\n");
  throw new CommandError(
    `Allocation ${quote(shortId(alloc.text("ID"), false))} is running the following tasks:\n` +
      `${list}\n\nPlease specify the task.`,
  );
}

/** `http://host:port` of the agent that runs the allocation. */
export async function ownerAddress({ api }: CommandContext, alloc: Doc): Promise<string> {
  const params = { id: alloc.text("NodeID") };
  const node = (await orFail("Error querying node", api.call("nodeRead", { params }))).doc;
  const address = node.text("HTTPAddr");
  if (address === "") return api.address;
  return `${node.flag("TLSEnabled") ? "https" : "http"}://${address}`;
}
