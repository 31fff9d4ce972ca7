import type { CommandContext } from "../command.ts";

/** Asks on standard output; only `y` is a yes. */
export async function confirm(context: CommandContext, question: string): Promise<boolean> {
  context.ui.write(`${question} `);
  const [answer = ""] = (await context.stdin()).split("\n");
  return answer.trim() === "y";
}
