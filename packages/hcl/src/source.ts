/**
 * Source text and places in it. Offsets are UTF-16 code units of `text`; lines and columns are
 * computed only when a diagnostic is printed. Columns count grapheme clusters, from 1.
 */

export interface Source {
  readonly name: string;
  readonly text: string;
}

export interface Range {
  readonly source: Source;
  readonly start: number;
  readonly end: number;
}

export interface Position {
  readonly line: number;
  readonly column: number;
}

export function range(source: Source, start: number, end: number): Range {
  return { source, start, end };
}

/** From the start of `from` to the end of `to`. */
export function rangeBetween(from: Range, to: Range): Range {
  return { source: from.source, start: from.start, end: to.end };
}

export function rangeText(where: Range): string {
  return where.source.text.slice(where.start, where.end);
}

/** The empty range at the end of `where`. */
export function endOf(where: Range): Range {
  return { source: where.source, start: where.end, end: where.end };
}

/** The empty range at the start of `where`. */
export function startOf(where: Range): Range {
  return { source: where.source, start: where.start, end: where.start };
}

/** The place of a value that was given on the command line, and so has none in a file. */
export const COMMAND_LINE: Range = { source: { name: "", text: "" }, start: 0, end: 0 };

export function position(source: Source, offset: number): Position {
  let line = 1;
  let lineStart = 0;
  for (;;) {
    const newline = source.text.indexOf("\n", lineStart);
    if (newline === -1 || newline >= offset) break;
    line += 1;
    lineStart = newline + 1;
  }
  return { line, column: graphemeCount(source.text.slice(lineStart, offset)) + 1 };
}

/** `file:line,col-col`, or `file:line,col-line,col` when the range spans lines. */
export function formatRange(where: Range): string {
  if (where.source === COMMAND_LINE.source) return ":0,0-0";
  const start = position(where.source, where.start);
  const end = position(where.source, where.end);
  const from = `${where.source.name}:${start.line},${start.column}`;
  return start.line === end.line ? `${from}-${end.column}` : `${from}-${end.line},${end.column}`;
}

const ASCII = /^[\x20-\x7e\t]*$/;
let segmenter: Intl.Segmenter | undefined;

export function graphemes(text: string): string[] {
  if (ASCII.test(text)) return text.split("");
  segmenter ??= new Intl.Segmenter("en");
  return Array.from(segmenter.segment(text), (part) => part.segment);
}

export function graphemeCount(text: string): number {
  return ASCII.test(text) ? text.length : graphemes(text).length;
}
