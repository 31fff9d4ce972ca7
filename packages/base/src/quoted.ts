/**
 * A name within a sentence; in single quotes where it has double ones itself, as a check's name does
 * that nobody gave (`service: "web" check`).
 */
export function quoted(name: string): string {
  return name.includes('"') ? `'${name}'` : `"${name}"`;
}
