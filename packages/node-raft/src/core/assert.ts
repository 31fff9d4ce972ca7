/** Bugs stop the process; these checks stay on in production. */
export class RaftAssertionError extends Error {
  override readonly name = "RaftAssertionError";
}

export function assert(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new RaftAssertionError(message());
}

export function unreachable(value: never): never {
  throw new RaftAssertionError(`unexpected value ${JSON.stringify(value)}`);
}
