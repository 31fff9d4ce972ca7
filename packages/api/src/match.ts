/**
 * Finds the endpoint of a request. A job id may hold slashes, written bare or as `%2F`: the fixed
 * suffix decides, the longest one wins (spec chapter 8 §8.1).
 */
import type { Endpoint, Method } from "./endpoint.ts";
import { type EndpointName, endpoints } from "./endpoints/index.ts";

export type MatchResult =
  | {
      readonly kind: "found";
      readonly name: EndpointName;
      readonly endpoint: Endpoint;
      readonly params: Readonly<Record<string, string>>;
    }
  /** The path exists, the verb does not: 405. */
  | { readonly kind: "method" }
  | { readonly kind: "none" };

interface Route {
  readonly name: EndpointName;
  readonly endpoint: Endpoint;
  readonly segments: readonly string[];
  readonly fixed: number;
}

const routes: readonly Route[] = (Object.keys(endpoints) as EndpointName[])
  .map((name) => {
    const segments = endpoints[name].path.slice(1).split("/");
    return {
      name,
      endpoint: endpoints[name] as Endpoint,
      segments,
      fixed: segments.filter((s) => !s.startsWith(":")).length,
    };
  })
  .sort((a, b) => b.fixed - a.fixed || b.segments.length - a.segments.length);

/** `path` is still percent-encoded, without the query. */
export function matchEndpoint(method: string, path: string): MatchResult {
  const segments = path.replace(/^\//, "").split("/");
  // `/v1/job/` asks for the job without a name, which does not exist; it is no unknown path.
  if (segments.length > 3 && segments.at(-1) === "") segments.pop();
  let seen = false;
  let floor = 0;
  for (const route of routes) {
    if (route.fixed < floor) break;
    const params = matchSegments(route.segments, segments);
    if (!params) continue;
    if (route.endpoint.methods.includes(method as Method)) {
      return { kind: "found", name: route.name, endpoint: route.endpoint, params };
    }
    seen = true;
    // A longer job sub-resource must not fall through to the job of that name; its other verbs may
    // still be endpoints of their own.
    if (route.fixed > 2 && route.segments.some((s) => s.endsWith("*"))) floor = route.fixed;
  }
  return seen ? { kind: "method" } : { kind: "none" };
}

function matchSegments(
  pattern: readonly string[],
  actual: readonly string[],
): Record<string, string> | null {
  const rest = pattern.findIndex((s) => s.endsWith("*"));
  if (rest < 0 && pattern.length !== actual.length) return null;
  if (pattern.length > actual.length) return null;
  const params: Record<string, string> = {};
  const tail = rest < 0 ? 0 : pattern.length - rest - 1;
  for (let i = 0; i < pattern.length; i++) {
    const want = pattern[i] as string;
    const after = rest >= 0 && i > rest;
    const got = actual[after ? actual.length - (pattern.length - i) : i] as string;
    if (i === rest) {
      const id = actual.slice(i, actual.length - tail).join("/");
      if (id === "" && tail > 0) return null;
      params[want.slice(1, -1)] = decode(id);
    } else if (want.startsWith(":")) {
      if (got === "") return null;
      params[want.slice(1)] = decode(got);
    } else if (want !== got) return null;
  }
  return params;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}
