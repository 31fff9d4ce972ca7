/** A reason to leave a node out; every filter can say it in the words of the placement metrics. */
import type { Node } from "@drover/model";

export interface NodeFilter {
  /** null = the node passes; otherwise the text counted in `constraintFiltered` (spec §6.3). */
  explain(node: Node): string | null;
}
