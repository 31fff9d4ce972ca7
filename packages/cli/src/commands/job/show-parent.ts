/** The text of a periodic or parameterized job: it has children instead of allocations. */
import type { CommandContext } from "../../command.ts";
import type { Doc } from "../../doc.ts";
import { keyValues, table } from "../../format/columns.ts";
import { orFail } from "../../shared/errors.ts";
import type { JobName } from "../../shared/lookup.ts";

export async function printParent(
  context: CommandContext,
  { id, namespace }: JobName,
  job: Doc,
): Promise<void> {
  const { api, ui } = context;
  const query = { namespace };
  const summary = await orFail(
    "Error querying job summary",
    api.call("jobSummary", { params: { id }, query }),
  );
  const isPeriodic = job.at("Periodic").exists;
  const prefix = isPeriodic ? `${id}/periodic-` : `${id}/dispatch-`;
  const list = namespace === "default" ? { prefix } : { prefix, namespace };
  const children = await orFail("Error querying children", api.call("jobList", { query: list }));
  if (!isPeriodic) {
    const parameters = job.at("ParameterizedJob");
    ui.output(`\n${ui.bold("Parameterized Job")}`);
    ui.output(
      keyValues([
        ["Payload", parameters.text("Payload")],
        ["Required Metadata", parameters.texts("MetaRequired").join(", ")],
        ["Optional Metadata", parameters.texts("MetaOptional").join(", ")],
      ]),
    );
  }
  ui.output(`\n${ui.bold(`${isPeriodic ? "Children" : "Parameterized"} Job Summary`)}`);
  const counts = summary.doc.at("Children");
  const columns = ["Pending", "Running", "Dead"];
  ui.output(table([columns, columns.map((column) => String(counts.num(column)))]));
  printChildren(context, children.doc.list(), isPeriodic);
}

function printChildren({ ui }: CommandContext, children: readonly Doc[], periodic: boolean): void {
  if (children.length === 0) {
    ui.output(
      `\nNo ${periodic ? "previously launched" : "dispatched"} instances of ${
        periodic ? "periodic" : "parameterized"
      } job found`,
    );
    return;
  }
  ui.output(`\n${ui.bold(periodic ? "Previously Launched Jobs" : "Dispatched Jobs")}`);
  const rows = children.map((child) => [child.text("ID"), child.text("Status")]);
  ui.output(table([["ID", "Status"], ...rows]));
}
