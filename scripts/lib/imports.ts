/** The import specifiers of a TypeScript file. */

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s+(?:type\s+)?(?:[\w*{}\s,$]+?\s+from\s+)?["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/g;

export function importsOf(source: string): string[] {
  const found: string[] = [];
  for (const match of stripComments(source).matchAll(IMPORT)) {
    found.push((match[1] ?? match[2]) as string);
  }
  return found;
}

/** Blanks comments and keeps every line where it was; strings are left alone. */
export function stripComments(source: string): string {
  return source.replace(
    /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[\s\S])*`)|(\/\*[\s\S]*?\*\/|\/\/[^\n]*)/g,
    (_all, text: string | undefined, comment: string | undefined) =>
      text ?? (comment ?? "").replace(/[^\n]/g, " "),
  );
}
