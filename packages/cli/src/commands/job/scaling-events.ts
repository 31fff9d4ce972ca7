/** `job scaling-events`: how the counts of a job were changed (spec chapter 7 §7.9). */
import { type Command, VERBOSE } from "../../command.ts";
import { table } from "../../format/columns.ts";
import { formatInstant } from "../../format/time.ts";
import { orFail } from "../../shared/errors.ts";
import { findJob } from "../../shared/lookup.ts";

export const jobScalingEventsCommand: Command = {
  usage: "job scaling-events [options] <args>",
  summary: "Lists the scaling events of a job",
  description: "Lists how the counts of a job's groups were changed, newest first.",
  flags: [VERBOSE],
  args: { min: 1, max: 1, message: "This command takes one argument: <job_id>" },
  async run(context) {
    const { api, flags, ui } = context;
    const verbose = flags.bool("verbose");
    const { id, namespace } = await findJob(context, (context.args[0] as string).trim());
    const read = api.call("jobScaleStatus", { params: { id }, query: { namespace } });
    const status = (await orFail("Error listing scaling events", read)).doc;
    const events = status
      .entries("TaskGroups")
      .flatMap(([name, group]) => group.list("Events").map((event) => ({ name, event })))
      .sort((a, b) => b.event.num("Time") - a.event.num("Time"));
    if (events.length === 0) {
      ui.output("No events found");
      return 0;
    }
    const more = verbose ? ["Error", "Message", "Eval ID"] : [];
    const rows = events.map(({ name, event }) => [
      name,
      event.at("Count").exists ? String(event.num("Count")) : "",
      String(event.num("PreviousCount")),
      ...(verbose
        ? [String(event.flag("Error")), event.text("Message"), event.text("EvalID")]
        : []),
      formatInstant(event.instant("Time")),
    ]);
    ui.output(table([["Task Group", "Count", "PrevCount", ...more, "Date"], ...rows]));
    return 0;
  },
};
