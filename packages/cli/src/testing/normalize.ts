/** What differs between two runs of one command and says nothing. */

const AGE = /\b(?:\d+(?:mo|ms|[ydhms]))+ (ago|from now)\b/g;
const INSTANT = "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ";
/** When a monitor spoke: before its message, or alone above a block. */
const SPOKEN = new RegExp(`^(==> | *)${INSTANT}(?=: |$)`, "gm");

const CODE = new RegExp(`${String.fromCharCode(27)}\\[([0-9;]*)m`);
/** The reference names allocations in any order. */
const ALLOCATIONS = /(?:^ {4}<time>: (?:Allocation "|Restarting |Rescheduling ).*\n)+/gm;

/** Rows of one creation come in any order, too; that newer ones come first is another test. */
const ROWS = /(?:^[0-9a-f]{8}(?:-[0-9a-f-]{27})? .*\n?)+/gm;

/** Ages lose their width with their value: runs of blanks count as two where one stands. */
export function normalize(text: string): string {
  return text
    .replace(SPOKEN, "$1<time>")
    .replace(ALLOCATIONS, sortLines)
    .split(/\n(?=\n)/)
    .map((block) =>
      AGE.test(block) ? block.replace(AGE, "<age> $1").replace(/(?<=\S) {2,}/g, "  ") : block,
    )
    .join("\n")
    .replace(ROWS, sortLines);
}

function sortLines(lines: string): string {
  return lines
    .split(/(?<=\n)/)
    .sort()
    .join("");
}

/** Colour codes as marks before the character that they change; empty ones do not count. */
export function styled(text: string): string {
  let wanted = "";
  let shown = "";
  let out = "";
  // Every other piece is a code.
  for (const [i, piece] of text.replaceAll("\r\n", "\n").split(CODE).entries()) {
    if (i % 2 === 1) {
      wanted = piece === "" || piece === "0" ? "" : `${wanted}+${piece}`;
      continue;
    }
    for (const char of piece) {
      if (char.trim() !== "" && wanted !== shown) {
        out += `{${wanted}}`;
        shown = wanted;
      }
      out += char;
    }
  }
  return out;
}
