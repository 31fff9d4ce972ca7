/**
 * An operating error at an edge: something outside our code failed, and the caller may act on
 * `code`. `retryable` says whether the same call may succeed later.
 */
export class DroverError extends Error {
  override readonly name = "DroverError";
  readonly code: string;
  readonly retryable: boolean;

  constructor(
    code: string,
    message: string,
    options: { retryable?: boolean; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

/** The text of anything that was thrown. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
