/** `job init`: a job file to begin with (spec chapter 7 §7.9). */
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { errorText } from "@drover/base";
import { type Command, CommandError } from "../../command.ts";
import { EXAMPLE_JOB, SHORT_EXAMPLE_JOB } from "./example-job.ts";

const DEFAULT_FILE = "example.nomad.hcl";
const ONLY = "example";

export const jobInitCommand: Command = {
  usage: "job init [options] [filename]",
  summary: "Writes an example job file",
  description:
    `Writes a job file that runs as it is, ${DEFAULT_FILE} when no name is given. A file that\n` +
    "is already there is left alone.",
  flags: [
    { name: "short", kind: "bool", help: "Leave the comments out." },
    { name: "connect", kind: "bool", help: "Not supported: sidecars are not injected." },
    { name: "template", kind: "string", help: `Name of the example; there is "${ONLY}".` },
    { name: "list-templates", kind: "bool", help: "List the examples there are." },
  ],
  args: { min: 0, max: 1, message: "This command takes no arguments or one: <filename>" },
  local: true,
  async run({ args, flags, ui, directory }) {
    const template = flags.string("template");
    if (flags.bool("list-templates")) {
      ui.output(ONLY);
      return 0;
    }
    if (flags.bool("connect")) {
      throw new CommandError("-connect is not supported: Connect sidecars are not injected");
    }
    if (template !== "" && template !== ONLY) {
      throw new CommandError(`There is no example named "${template}", only "${ONLY}"`);
    }
    const file = args[0] ?? DEFAULT_FILE;
    try {
      const text = flags.bool("short") ? SHORT_EXAMPLE_JOB : EXAMPLE_JOB;
      // Creating and not finding it are one act: nobody's file is written over.
      await writeFile(resolve(directory, file), text, { flag: "wx" });
    } catch (error) {
      const isThere = (error as NodeJS.ErrnoException).code === "EEXIST";
      const reason = isThere ? "already exists" : `cannot be written: ${errorText(error)}`;
      throw new CommandError(`Job file '${file}' ${reason}`);
    }
    ui.output(`Example job file written to ${file}`);
    return 0;
  },
};
