/** What all list endpoints share: namespace, prefix, filter, order, pages. */

import { compileFilter } from "./filter.ts";
import type { ReadContext, ReadResult } from "./handler.ts";
import { compareIndexToken, paginate } from "./pages.ts";

export interface ListOptions<T> {
  readonly items: Iterable<T>;
  readonly index: number;
  readonly encode: (item: T) => Record<string, unknown>;
  /** What a filter looks at, where it is more than what is sent. */
  readonly filtered?: (item: T) => Record<string, unknown>;
  /** Sort key and page token; lists by creation use `<createIndex>.<id>`. */
  readonly token: (item: T) => string;
  readonly byIndex: boolean;
  readonly keep?: (item: T) => boolean;
}

export function listReply<T>(context: ReadContext, options: ListOptions<T>): ReadResult {
  const { query } = context;
  const compare = options.byIndex ? compareIndexToken : compareText;
  let items = [...options.items];
  if (options.keep) items = items.filter(options.keep);
  const tokens = new Map(items.map((item) => [item, options.token(item)]));
  items.sort((a, b) => compare(tokens.get(a) as string, tokens.get(b) as string));
  if (query.filter !== "") {
    const predicate = compileFilter(query.filter);
    const seen = options.filtered ?? options.encode;
    items = items.filter((item) => predicate(seen(item)));
  }
  const rows = items.map((item) => ({
    token: tokens.get(item) as string,
    doc: options.encode(item),
  }));
  const page = paginate(rows, query, (row) => row.token, compare);
  return {
    json: page.items.map((row) => row.doc),
    index: options.index,
    nextToken: page.nextToken,
  };
}

export function indexToken(item: { readonly createIndex: number; readonly id: string }): string {
  return `${item.createIndex}.${item.id}`;
}

export function inNamespace(context: ReadContext, item: { readonly namespace: string }): boolean {
  return context.query.namespace === "*" || item.namespace === context.query.namespace;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
