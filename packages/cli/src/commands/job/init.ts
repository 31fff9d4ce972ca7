/** `job init`: a job file to begin with (spec chapter 7 §7.9). */
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { errorText } from "@drover/base";
import { type Command, CommandError } from "../../command.ts";
import { EXAMPLE_JOB, SHORT_EXAMPLE_JOB } from "./example-job.ts";

const DEFAULT_FILE = "example.nomad.hcl";

export const jobInitCommand: Command = {
  usage: "job init [options] [filename]",
  summary: "Writes an example job file",
  description:
    `Writes a job file that runs as it is, ${DEFAULT_FILE} when no name is given. A file that\n` +
    "is already there is left alone.",
  flags: [{ name: "short", kind: "bool", help: "Leave the comments out." }],
  args: { min: 0, max: 1, message: "This command takes no arguments or one: <filename>" },
  local: true,
  async run({ args, flags, ui, directory }) {
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
