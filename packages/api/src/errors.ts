/** One catalogue: what went wrong → HTTP status (spec chapter 8 §8.1). */

const STATUS: Readonly<Record<string, number>> = {
  "bad-request": 400,
  forbidden: 403,
  "not-found": 404,
  "method-not-allowed": 405,
  "too-many-requests": 429,
  internal: 500,
  enterprise: 501,
  "no-leader": 500,
  "node-unreachable": 500,
};

/** An error whose message is the whole body of the answer. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
    this.status = STATUS[code] ?? 500;
  }
}

export function badRequest(message: string): ApiError {
  return new ApiError("bad-request", message);
}

export function notFound(message: string): ApiError {
  return new ApiError("not-found", message);
}

export function internal(message: string): ApiError {
  return new ApiError("internal", message);
}
