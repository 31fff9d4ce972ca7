/** Builds the URL of an endpoint, as a client calls it. */
import type { Endpoint } from "./endpoint.ts";

export type QueryValue = string | number | boolean | readonly string[];

/** `query` keeps its order; a list repeats its name. */
export function endpointUrl(
  endpoint: Endpoint,
  params: Readonly<Record<string, string>> = {},
  query: Readonly<Record<string, QueryValue>> = {},
): string {
  const path = endpoint.path.replace(/:(\w+)\*?/g, (_, name: string) =>
    encodeURIComponent(params[name] ?? ""),
  );
  const pairs: string[] = [];
  for (const [key, value] of Object.entries(query)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      pairs.push(`${encodeURIComponent(key)}=${encodeURIComponent(String(item))}`);
    }
  }
  return pairs.length > 0 ? `${path}?${pairs.join("&")}` : path;
}
