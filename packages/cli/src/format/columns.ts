/** Tables and key/value blocks as every command prints them (spec chapter 7 §7.3). */

const EMPTY_CELL = "<none>";
const GAP = "  ";

/** Columns two spaces apart, left-aligned, the header first; empty cells say `<none>`. */
export function table(rows: readonly (readonly string[])[]): string {
  return aligned(rows.map((row) => row.map((cell) => (cell === "" ? EMPTY_CELL : cell))));
}

/** As `table`, with empty cells left empty. */
export function bareTable(rows: readonly (readonly string[])[]): string {
  return aligned(rows);
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, textWidth(cell));
    });
  }
  const padded = (cell: string, i: number) => cell + " ".repeat((widths[i] ?? 0) - textWidth(cell));
  return rows
    .map((row) => row.map((cell, i) => (i === row.length - 1 ? cell : padded(cell, i))).join(GAP))
    .join("\n");
}

/** `Key   = value`, keys padded to the longest one. */
export function keyValues(
  pairs: readonly (readonly [key: string, value: string])[],
  glue = " = ",
): string {
  const width = Math.max(0, ...pairs.map(([key]) => key.length));
  return pairs
    .map(([key, value]) => `${key.padEnd(width)}${glue}${value === "" ? EMPTY_CELL : value}`)
    .join("\n");
}

/** Colour codes take no room on the screen. */
function textWidth(text: string): number {
  return [...text.replace(ANSI, "")].length;
}

const ANSI = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g");
