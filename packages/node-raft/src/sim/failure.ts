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
