/** Finds the name that someone may have meant. */

/** The first of `names` that is fewer than three edits away, or null. */
export function nameSuggestion(given: string, names: Iterable<string>): string | null {
  for (const name of names) {
    if (editDistance(given, name) < 3) return name;
  }
  return null;
}

/** How many letters must be added, taken away or changed. */
function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i += 1) {
    const current = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const change = (previous[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      current.push(Math.min(change, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[to.length] ?? 0;
}
