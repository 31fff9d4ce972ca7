/** Where the broker keeps an evaluation, and since when. */
import type { Evaluation } from "@drover/model";

export type Place = "ready" | "waiting" | "delayed" | "leased" | "failed";

export interface Entry {
  evaluation: Evaluation;
  place: Place;
  attempts: number;
  /** Epoch ms: of the wait, or of the lease. */
  deadline: number;
  token: string;
  /** Set free while it was worked on: what its holder found may be out of date. */
  again: boolean;
}
