/** The line that status commands end with, on a terminal, where something waits. */

import { UnexpectedResponse } from "../api-client.ts";
import type { CommandContext } from "../command.ts";
import { whyLine } from "../output/why.ts";

export type WhyEndpoint =
  | "whyJob"
  | "whyDeployment"
  | "whyAllocation"
  | "whyEvaluation"
  | "whyNode";

/**
 * Only on a terminal: what scripts read stays as it was recorded. An agent that does not know the
 * question leaves the line out.
 */
export async function printWhyLine(
  context: CommandContext,
  endpoint: WhyEndpoint,
  { id, namespace }: { readonly id: string; readonly namespace: string },
): Promise<void> {
  const { api, flags, now, ui } = context;
  if (!ui.isTerminal) return;
  try {
    const { doc } = await api.call(endpoint, { params: { id }, query: { namespace } });
    const line = whyLine(doc, { verbose: flags.bool("verbose"), now: now() });
    if (line !== "") ui.output(`\n${line}`);
  } catch (error) {
    if (!(error instanceof UnexpectedResponse)) throw error;
  }
}
