/** `alloc checks`: the checks of the built-in provider (spec chapter 7 §7.10). */

import { exactAnswer } from "../../api-client.ts";
import { type Command, FORMAT_FLAGS, VERBOSE } from "../../command.ts";
import { keyValues } from "../../format/columns.ts";
import { formatInstant } from "../../format/time.ts";
import { plain } from "../../shared/api-forms.ts";
import { orFail } from "../../shared/errors.ts";
import { printData, wantsData } from "../../shared/format.ts";
import { findAlloc } from "../../shared/lookup.ts";

const GLUE = "  =  ";

export const allocChecksCommand: Command = {
  usage: "alloc checks [options] <allocation>",
  summary: "Shows the checks of an allocation",
  description: "Shows the latest results of checks whose provider is built in.",
  flags: [VERBOSE, ...FORMAT_FLAGS],
  args: { min: 1, max: 1, message: "An allocation ID is required" },
  async run(context) {
    const { api, args, ui } = context;
    const stub = await findAlloc(context, args[0] as string);
    const options = {
      params: { id: stub.text("ID") },
      query: { namespace: stub.text("Namespace") },
    };
    const answer = await orFail(
      "Error querying allocation checks",
      api.call("clientAllocChecks", options),
    );
    if (wantsData(context)) {
      return await printData(context, exactAnswer(answer), plain("api.AllocCheckStatuses"));
    }
    const checks = answer.doc.entries().map(([, check]) => check);
    ui.output(`Status of ${checks.length} Nomad Service Checks`);
    ui.output("");
    for (const check of checks) {
      const pairs: [string, string][] = [
        ["ID", check.text("ID")],
        ["Name", check.text("Check")],
        ["Group", check.text("Group")],
        ["Task", check.text("Task")],
        ["Service", check.text("Service")],
        ["Status", check.text("Status")],
      ];
      const code = check.num("StatusCode");
      if (code > 0) pairs.push(["StatusCode", String(code)]);
      pairs.push(["Mode", check.text("Mode")]);
      pairs.push(["Timestamp", formatInstant(check.num("Timestamp") * 1000)]);
      pairs.push(["Output", check.text("Output").trimEnd()]);
      ui.output(keyValues(pairs, GLUE));
      ui.output("");
    }
    return 0;
  },
};
