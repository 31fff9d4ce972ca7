/**
 * Which members vote (DESIGN §8, RAFT.md §4.4): an odd number, three by default; the next two are
 * standbys; everyone else stays outside Raft. One change at a time, never through a weaker quorum.
 */
export interface RolesInput {
  readonly voters: readonly string[];
  readonly learners: readonly string[];
  /** Learners within reach of the leader's log. */
  readonly caughtUp: readonly string[];
}

export type RolesDecision =
  | { readonly kind: "none" }
  /** There are enough standbys to vote, but they have to catch up first: look again. */
  | { readonly kind: "wait" }
  | { readonly kind: "promote"; readonly ids: readonly string[] };

const VOTERS_TARGET = 3;

export function decideRoles(input: RolesInput): RolesDecision {
  const missing = VOTERS_TARGET - input.voters.length;
  // From one voter to two would weaken the cluster: both or none.
  if (missing <= 0 || input.learners.length < missing) return { kind: "none" };
  const ready = input.learners.filter((id) => input.caughtUp.includes(id));
  if (ready.length < missing) return { kind: "wait" };
  return { kind: "promote", ids: ready.slice(0, missing) };
}

const STANDBYS_TARGET = 2;

/** Whether a server that asks to join takes part in Raft, or only works as a client. */
export function takesPart(input: Pick<RolesInput, "voters" | "learners">): boolean {
  return input.voters.length < VOTERS_TARGET || input.learners.length < STANDBYS_TARGET;
}
