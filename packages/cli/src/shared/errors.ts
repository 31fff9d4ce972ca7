import { errorText } from "@drover/base";
import { CommandError } from "../command.ts";

/** What `work` gives; its failure as a command's error with `message` in front. */
export async function orFail<T>(message: string, work: Promise<T>, exitCode = 1): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new CommandError(`${message}: ${errorText(error)}`, exitCode);
  }
}
