/** `node executor-main.ts DIRECTORY`: the executor as a program of its own. */
import { errorText } from "@drover/base";
import { runExecutor } from "./executor.ts";

const [directory = ""] = process.argv.slice(2);
runExecutor(directory).then(
  // An escaped descendant may still hold a pipe open; there is nothing left to wait for.
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`executor: ${errorText(error)}\n`);
    process.exit(1);
  },
);
