import type { CommandContext } from "../command.ts";

/**
 * Asks on standard output; only `y` is a yes (null). Otherwise says so, by `canceled` where the
 * answer is no, and gives the exit code.
 */
export async function confirm(
  context: CommandContext,
  question: string,
  canceled: string,
): Promise<number | null> {
  const { ui } = context;
  ui.write(`${question} `);
  const answer = (await context.line()) ?? "";
  if (answer === "y") return null;
  if (answer === "" || /^n/i.test(answer)) {
    ui.output(canceled);
    return 0;
  }
  if (/^y/i.test(answer) && answer.length > 1) {
    ui.output("For confirmation, an exact \u2018y\u2019 is required.");
    return 0;
  }
  ui.output("No confirmation detected. For confirmation, an exact 'y' is required.");
  return 1;
}
