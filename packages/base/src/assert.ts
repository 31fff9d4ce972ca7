/** A bug in our own code, never a user's mistake. Consensus, state and log code lets it stop the process. */
export class AssertionFailure extends Error {
  override readonly name = "AssertionFailure";
}

/** States what must hold. `message` is lazy because assertions stay on in production. */
export function assert(condition: boolean, message: string | (() => string)): asserts condition {
  if (condition) return;
  throw new AssertionFailure(typeof message === "string" ? message : message());
}

/** Marks a branch that the type checker has proven impossible. */
export function unreachable(value: never): never {
  throw new AssertionFailure(`unreachable: ${String(value)}`);
}
