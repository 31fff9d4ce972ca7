/** `job allocs`: the allocations of a job (spec chapter 7 §7.9). */

import { exactAnswer } from "../../api-client.ts";
import { type Command, FORMAT_FLAGS, VERBOSE } from "../../command.ts";
import { allocTable } from "../../output/alloc-table.ts";
import { ALLOC_STUB, listOf, newestFirst } from "../../shared/api-forms.ts";
import { orFail } from "../../shared/errors.ts";
import { printData, wantsData } from "../../shared/format.ts";
import { findJob } from "../../shared/lookup.ts";

export const jobAllocsCommand: Command = {
  usage: "job allocs [options] <job>",
  summary: "Lists the allocations of a job",
  description: "Lists the allocations of a job, newest first.",
  flags: [
    { name: "all", kind: "bool", help: "Also those of an older job of that id." },
    VERBOSE,
    ...FORMAT_FLAGS,
  ],
  args: { min: 1, max: 1, message: "This command takes one argument: <job>" },
  async run(context) {
    const { api, flags, ui, now } = context;
    const { id, namespace } = await findJob(context, (context.args[0] as string).trim());
    const params = { id };
    await orFail("Error retrieving job", api.call("jobRead", { params, query: { namespace } }));
    const query = { all: flags.bool("all"), namespace };
    const list = api.call("jobAllocations", { params, query });
    const answer = await orFail("Error retrieving allocations", list);
    if (wantsData(context)) {
      return await printData(context, newestFirst(exactAnswer(answer)), listOf(ALLOC_STUB));
    }
    ui.output(allocTable(answer.doc.list(), { verbose: flags.bool("verbose"), now: now() }));
    return 0;
  },
};
