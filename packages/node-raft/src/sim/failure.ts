/** What a run may end with; the exit code and the report depend on it, nothing else. */
export type FailureKind = "invariant" | "oracle" | "liveness" | "crash" | "nondeterminism";

export class SimFailure extends Error {
  override readonly name = "SimFailure";
  readonly kind: FailureKind;
  /** The checker that found it. */
  readonly checker: string;

  constructor(kind: FailureKind, checker: string, message: string, cause?: unknown) {
    super(`${checker}: ${message}`, cause === undefined ? undefined : { cause });
    this.kind = kind;
    this.checker = checker;
  }
}

/** Anything that is thrown: a member's own assertions are told apart from other exceptions. */
export function asFailure(where: string, error: unknown): SimFailure {
  if (error instanceof SimFailure) return error;
  const text = error instanceof Error ? error.message : String(error);
  const asserted = error instanceof Error && error.name === "RaftAssertionError";
  return new SimFailure("crash", asserted ? "assertion" : where, text, error);
}
