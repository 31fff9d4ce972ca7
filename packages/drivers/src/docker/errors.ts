/**
 * What the engine's refusals mean for a task. The question each answers is whether trying again
 * may help (DESIGN §12.4): an error that names the version never does.
 */
import { TaskStartError } from "../task-driver.ts";

/** HTTP status of the engine's answer; 0 when there was none. */
export function statusOf(error: unknown): number {
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === "number" ? status : 0;
}

/** The engine's own words, without the client library's prefix. */
export function daemonMessage(error: unknown): string {
  const json = (error as { json?: { message?: unknown } } | null)?.json;
  if (typeof json?.message === "string") return json.message.trim();
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(LIBRARY_PREFIX, "").trim();
}

const LIBRARY_PREFIX = /^\(HTTP code \d+\) [a-z ]+ - /;

const UNREACHABLE_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOENT",
  "EACCES",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "docker-timeout",
]);

/** No answer at all: the daemon is down, restarting or hanging. */
export function isUnreachable(error: unknown): boolean {
  if (statusOf(error) !== 0) return false;
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" && UNREACHABLE_CODES.has(code);
}

const MISSING_IMAGE = [
  "manifest unknown",
  "repository does not exist",
  "pull access denied",
  "no matching manifest",
  "name unknown",
  "not found: manifest",
];

/**
 * A failed pull. `hasRegistry` says whether the reference names a registry host. A bare name goes
 * to the default hub; on a machine that cannot even look the hub up, an image that is not present
 * locally is treated as one that does not exist: no retry could bring it, and a bad tag must fail
 * its deployment at once also where there is no way out to the internet.
 */
export function pullError(
  image: string,
  error: unknown,
  options: { hasRegistry: boolean },
): TaskStartError {
  const reason = daemonMessage(error);
  if (isUnreachable(error)) return unavailable(error);
  const message = `Failed to pull \`${image}\`: Error response from daemon: ${reason}`;
  const lower = reason.toLowerCase();
  const missing = statusOf(error) === 404 || MISSING_IMAGE.some((text) => lower.includes(text));
  const noWayOut = !options.hasRegistry && lower.includes("no such host");
  if (missing || noWayOut) {
    return new TaskStartError("image-not-found", message, { retryable: false, cause: error });
  }
  if (lower.includes("invalid reference format") || statusOf(error) === 400) {
    return new TaskStartError("image-invalid", message, { retryable: false, cause: error });
  }
  return new TaskStartError("image-pull-failed", message, { retryable: true, cause: error });
}

export function createError(error: unknown): TaskStartError {
  if (isUnreachable(error)) return unavailable(error);
  const message = `Failed to create container: ${daemonMessage(error)}`;
  // An image that was there a moment ago says nothing about the version.
  const isImageGone = statusOf(error) === 404 && /no such image/i.test(message);
  const retryable = isImageGone || statusOf(error) >= 500 || statusOf(error) === 409;
  return new TaskStartError(retryable ? "create-failed" : "invalid-config", message, {
    retryable,
    cause: error,
  });
}

/** The entrypoint itself is at fault: missing, not executable, a directory. */
const BAD_ENTRYPOINT = /exec: |executable file not found|exec format error|permission denied/;

export function startError(error: unknown): TaskStartError {
  if (isUnreachable(error)) return unavailable(error);
  const reason = daemonMessage(error);
  const message = `Failed to start container: ${reason}`;
  if (/port is already allocated|address already in use/.test(reason)) {
    return new TaskStartError("port-taken", message, { retryable: true, cause: error });
  }
  if (BAD_ENTRYPOINT.test(reason)) {
    return new TaskStartError("bad-entrypoint", message, { retryable: false, cause: error });
  }
  const retryable = statusOf(error) !== 400;
  return new TaskStartError(retryable ? "start-failed" : "invalid-config", message, {
    retryable,
    cause: error,
  });
}

export function unavailable(error: unknown): TaskStartError {
  const message = `Docker daemon is not reachable: ${daemonMessage(error)}`;
  return new TaskStartError("driver-unavailable", message, { retryable: true, cause: error });
}
