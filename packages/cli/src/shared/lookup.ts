/** Finds the object that a prefix means, or says why it cannot (spec chapter 7 §7.3). */
import { type CommandContext, CommandError, SeveralMatches } from "../command.ts";
import type { Doc } from "../doc.ts";
import { table } from "../format/columns.ts";
import { shortId } from "../format/ids.ts";
import { quote } from "../format/quote.ts";
import { deploymentTable } from "../output/deployment.ts";
import { jobTable } from "../output/job-table.ts";
import { orFail } from "./errors.ts";

const FULL_ID = 36;

export interface JobName {
  readonly id: string;
  readonly namespace: string;
}

/** `what` names the kind in the message: "job(s)", "parameterized job(s)". */
export async function findJob(
  context: CommandContext,
  prefix: string,
  options: { readonly filter?: string; readonly what?: string } = {},
): Promise<JobName> {
  const { filter, what = "job(s)" } = options;
  const query = { per_page: 20, prefix, ...(filter === undefined ? {} : { filter }) };
  const answer = await orFail(
    `Error querying job prefix ${quote(prefix)}`,
    context.api.call("jobList", { query }),
  );
  const jobs = answer.doc.list();
  const exact = jobs.filter((job) => job.text("ID") === prefix);
  const [chosen] = exact.length > 0 ? exact : jobs;
  if (chosen === undefined) {
    throw new CommandError(`No ${what} with prefix or ID ${quote(prefix)} found`);
  }
  if (jobs.length > 1 && exact.length !== 1) {
    const list = jobTable(jobs, context.namespace === "*");
    throw new CommandError(`Prefix ${quote(prefix)} matched multiple jobs\n\n${list}`);
  }
  return { id: chosen.text("ID"), namespace: chosen.text("Namespace") };
}

/** The odd last digit of a prefix is not sent: servers compare whole bytes. */
export function evenPrefix(prefix: string): string {
  const dashes = prefix.split("-").length - 1;
  return (prefix.length - dashes) % 2 === 1 ? prefix.slice(0, -1) : prefix;
}

export async function findDeployment(context: CommandContext, prefix: string): Promise<Doc> {
  const found = await orFail("Error retrieving deployment", deploymentsByPrefix(context, prefix));
  const [only, other] = found;
  if (only !== undefined && other === undefined) return only;
  throw new CommandError(`Prefix matched multiple deployments\n\n${deploymentTable(found, false)}`);
}

/** At least one. */
async function deploymentsByPrefix({ api }: CommandContext, prefix: string): Promise<Doc[]> {
  if (prefix.length === FULL_ID) {
    return [(await api.call("deploymentRead", { params: { id: prefix } })).doc];
  }
  checkIdLength(prefix, "Identifier must contain at least two characters.");
  const query = { prefix: evenPrefix(prefix) };
  const all = (await api.call("deploymentList", { query })).doc.list();
  const found = all.filter((deployment) => deployment.text("ID").startsWith(prefix));
  if (found.length > 0) return found;
  throw new CommandError(`Deployment ID ${quote(prefix)} matched no deployments`);
}

export function checkIdLength(id: string, message: string): void {
  if (id.length === 1) throw new CommandError(message);
}

/** One allocation by the prefix of its id, as the list shows it. */
export async function findAlloc(
  context: CommandContext,
  prefix: string,
  purpose: Purpose = "act",
): Promise<Doc> {
  const subject = purpose === "look" ? "Identifier" : "Alloc ID";
  checkIdLength(prefix, `${subject} must contain at least two characters.`);
  return await findByPrefix(context, {
    endpoint: "allocList",
    prefix,
    purpose,
    query: "Error querying allocation",
    none: `No allocation(s) with prefix or id ${quote(prefix)} found`,
    many: "Prefix matched multiple allocations",
    columns: [
      ["ID", "ID"],
      ["Eval ID", "EvalID"],
      ["Job ID", "JobID"],
      ["Task Group", "TaskGroup"],
      ["Desired Status", "DesiredStatus"],
      ["Client Status", "ClientStatus"],
    ],
  });
}

export async function findEval(context: CommandContext, prefix: string): Promise<Doc> {
  checkIdLength(prefix, "Identifier must contain at least two characters.");
  return await findByPrefix(context, {
    endpoint: "evalList",
    prefix,
    purpose: "look",
    query: "Error querying evaluation",
    none: `No evaluation(s) with prefix or id ${quote(prefix)} found`,
    many: "Prefix matched multiple evaluations",
    columns: [
      ["ID", "ID"],
      ["Priority", "Priority"],
      ["Type", "Type"],
      ["Triggered By", "TriggeredBy"],
      ["Status", "Status"],
    ],
  });
}

/** Who only looks gets several matches as an answer; who acts has to say which is meant. */
export type Purpose = "look" | "act";

/** `query` begins the message when the list cannot be had; `none` is said when it is empty. */
export async function findNode(
  context: CommandContext,
  prefix: string,
  options: { readonly query: string; readonly none: string; readonly purpose: Purpose },
): Promise<Doc> {
  checkIdLength(prefix, "Identifier must contain at least two characters.");
  return await findByPrefix(context, {
    endpoint: "nodeList",
    prefix,
    ...options,
    many: "Prefix matched multiple nodes",
    columns: [
      ["ID", "ID"],
      ["DC", "Datacenter"],
      ["Name", "Name"],
      ["Class", "NodeClass"],
      ["Eligibility", "SchedulingEligibility"],
      ["Status", "Status"],
    ],
  });
}

interface PrefixSearch {
  readonly endpoint: "allocList" | "evalList" | "nodeList";
  readonly prefix: string;
  readonly purpose: Purpose;
  readonly query: string;
  readonly none: string;
  readonly many: string;
  /** Title and member of each column of the table of matches. */
  readonly columns: readonly (readonly [title: string, member: string])[];
}

async function findByPrefix({ api }: CommandContext, search: PrefixSearch): Promise<Doc> {
  const { prefix, columns } = search;
  const answer = await orFail(
    search.query,
    api.call(search.endpoint, { query: { prefix: evenPrefix(prefix) } }),
  );
  const wanted = prefix.toLowerCase();
  const found = answer.doc.list().filter((item) => item.text("ID").startsWith(wanted));
  const [only] = found;
  if (only === undefined) throw new CommandError(search.none);
  if (found.length === 1) return only;
  const rows = found.map((item) =>
    columns.map(([, name]) => cellOf(name, String(item.at(name).json ?? ""))),
  );
  const list = `${search.many}\n\n${table([columns.map(([title]) => title), ...rows])}`;
  throw search.purpose === "look" ? new SeveralMatches(list) : new CommandError(list);
}

function cellOf(name: string, text: string): string {
  return name.endsWith("ID") && name !== "JobID" ? shortId(text, false) : text;
}
