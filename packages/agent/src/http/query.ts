/** The parameters that every read understands (spec chapter 8 §8.1). */
import { badRequest, internal } from "@drover/api";
import { nanosToMs, parseDuration } from "@drover/base";

const WAIT_MAX_MS = 300_000;
const MALFORMED = /%(?![0-9a-f]{2})/i;

export interface CommonQuery {
  readonly region: string;
  /** "*" = all namespaces (lists). */
  readonly namespace: string;
  /** Hold the answer until the resource's index is above it; 0 = answer at once. */
  readonly index: number;
  readonly waitMs: number;
  readonly stale: boolean;
  readonly prefix: string;
  readonly filter: string;
  /** 0 = no pages. */
  readonly perPage: number;
  readonly nextToken: string;
  readonly reverse: boolean;
  readonly pretty: boolean;
  readonly all: URLSearchParams;
}

/** A pair that is not well encoded is left out, as if it had not been sent. */
export function readParams(search: string): URLSearchParams {
  if (!MALFORMED.test(search)) return new URLSearchParams(search);
  const pairs = search.replace(/^\?/, "").split("&");
  return new URLSearchParams(pairs.filter((pair) => !MALFORMED.test(pair)).join("&"));
}

/** `held` false: `index` is the endpoint's own affair. */
export function parseQuery(
  params: URLSearchParams,
  options: { readonly held: boolean } = { held: true },
): CommonQuery {
  return {
    region: params.get("region") ?? "",
    namespace: params.get("namespace") || "default",
    index: options.held ? parseIndex(params.get("index")) : 0,
    waitMs: parseWait(params.get("wait")),
    stale: parseFlag(params, "stale"),
    prefix: params.get("prefix") ?? "",
    filter: params.get("filter") ?? "",
    perPage: parsePerPage(params.get("per_page")),
    nextToken: params.get("next_token") ?? "",
    reverse: params.get("reverse") === "true",
    pretty: params.has("pretty") && params.get("pretty") !== "false",
    all: params,
  };
}

function parseIndex(text: string | null): number {
  if (text === null || text === "") return 0;
  if (!/^\d+$/.test(text)) throw badRequest("Invalid index");
  return Number(text);
}

function parseWait(text: string | null): number {
  if (text === null || text === "") return WAIT_MAX_MS;
  const parsed = parseDuration(text);
  if (!parsed.ok) throw badRequest("Invalid wait time");
  const ms = nanosToMs(parsed.nanos);
  return ms <= 0 ? WAIT_MAX_MS : Math.min(ms, WAIT_MAX_MS);
}

function parsePerPage(text: string | null): number {
  if (text === null || text === "") return 0;
  if (!/^\d+$/.test(text)) {
    throw badRequest("Expect a number for `per_page` query string parameter");
  }
  return Number(text);
}

/** Present without a value means true. */
export function parseFlag(params: URLSearchParams, name: string): boolean {
  const text = params.get(name);
  if (text === null) return false;
  if (text === "" || text === "true" || text === "1") return true;
  if (text === "false" || text === "0") return false;
  throw badRequest(`Expect \`true\` or \`false\` for \`${name}\` query string parameter`);
}

const TRUE = new Set(["1", "t", "T", "true", "TRUE", "True"]);
const FALSE = new Set(["0", "f", "F", "false", "FALSE", "False"]);

/**
 * A parameter of one endpoint; null when it is not there or empty. `refusal` words the error where
 * the endpoint has its own.
 */
export function booleanParam(
  params: URLSearchParams,
  name: string,
  refusal?: (reason: string) => Error,
): boolean | null {
  const text = params.get(name);
  if (text === null || text === "") return null;
  if (TRUE.has(text)) return true;
  if (FALSE.has(text)) return false;
  const reason = `strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`;
  throw refusal?.(reason) ?? unreadable(name, text, `a bool: ${reason}`);
}

/** The same for a whole number. */
export function integerParam(params: URLSearchParams, name: string): number | null {
  const text = params.get(name);
  if (text === null || text === "") return null;
  if (/^[-+]?\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  const reason = `strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`;
  throw unreadable(name, text, `a int: ${reason}`);
}

function unreadable(name: string, text: string, what: string): Error {
  return internal(`Failed to parse value of ${JSON.stringify(name)} (${text}) as ${what}`);
}
