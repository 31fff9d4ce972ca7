/** Pages of a list (spec chapter 8 §8.1): tokens name the first object of the next page. */

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextToken: string;
}

/**
 * `items` in their order; `tokenOf` must be ordered like them. A token that names nothing continues
 * at the point where it would stand.
 */
export function paginate<T>(
  items: readonly T[],
  options: { readonly perPage: number; readonly nextToken: string; readonly reverse: boolean },
  tokenOf: (item: T) => string,
  compare: (a: string, b: string) => number = compareText,
): Page<T> {
  const ordered = options.reverse ? [...items].reverse() : items;
  let start = 0;
  if (options.nextToken !== "") {
    start = ordered.findIndex((item) => {
      const order = compare(tokenOf(item), options.nextToken);
      return options.reverse ? order <= 0 : order >= 0;
    });
    if (start < 0) start = ordered.length;
  }
  const end = options.perPage > 0 ? start + options.perPage : ordered.length;
  const next = ordered[end];
  return { items: ordered.slice(start, end), nextToken: next === undefined ? "" : tokenOf(next) };
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** `<createIndex>.<id>` tokens compare by number first. */
export function compareIndexToken(a: string, b: string): number {
  const [ai = "", aid = ""] = splitToken(a);
  const [bi = "", bid = ""] = splitToken(b);
  // A token of another kind still has its place in the order of texts.
  if (!isNumber(ai) || !isNumber(bi)) return compareText(a, b);
  return Number(ai) - Number(bi) || compareText(aid, bid);
}

function isNumber(text: string): boolean {
  return /^\d+$/.test(text);
}

function splitToken(token: string): string[] {
  const dot = token.indexOf(".");
  return dot < 0 ? [token, ""] : [token.slice(0, dot), token.slice(dot + 1)];
}
