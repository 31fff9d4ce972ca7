/** `printf` of a Go template: `%s %v %d %q %t %x %f` and what Go says of arguments that do not fit. */
import type { Json } from "@drover/model";
import { scalarText } from "../exact-json.ts";
import { quote } from "../format/quote.ts";
import { kindOf, showValue, typeOf } from "./values.ts";

const VERB = /%([-+ #0]*)(\d*)(?:\.(\d*))?(.)/gsu;

export function formatText(format: string, args: readonly Json[]): string {
  let next = 0;
  const text = format.replace(VERB, (_, flags: string, width: string, digits, verb: string) => {
    if (verb === "%") return "%";
    if (next >= args.length) return `%!${verb}(MISSING)`;
    const value = args[next++] ?? null;
    const shown = shownAs(verb, value, digits === undefined ? null : Number(digits), flags);
    if (shown === null) return `%!${verb}(${typeOf(value)}=${showValue(value)})`;
    if (flags.includes("-")) return shown.padEnd(Number(width));
    const isNumber = "dxXobfeg".includes(verb) && typeof value !== "string";
    return shown.padStart(Number(width), flags.includes("0") && isNumber ? "0" : " ");
  });
  if (next >= args.length) return text;
  const extra = args.slice(next).map((value) => `${typeOf(value)}=${showValue(value)}`);
  return `${text}%!(EXTRA ${extra.join(", ")})`;
}

/** null: the verb is not for such a value. */
function shownAs(verb: string, value: Json, digits: number | null, flags: string): string | null {
  const kind = kindOf(value);
  const isNumber = kind === "int" || kind === "float64";
  switch (verb) {
    case "v":
      return showValue(value);
    case "s":
      if (isNumber || kind === "bool") return null;
      return cut(showValue(value), digits);
    case "q":
      return kind === "string" ? quote(cut(showValue(value), digits)) : null;
    case "t":
      return kind === "bool" ? showValue(value) : null;
    case "d":
      if (kind !== "int") return null;
      return `${flags.includes("+") && Number(scalarText(value)) >= 0 ? "+" : ""}${scalarText(value)}`;
    case "x":
    case "X": {
      const hex =
        kind === "int"
          ? BigInt(scalarText(value)).toString(16)
          : kind === "string"
            ? Buffer.from(showValue(value)).toString("hex")
            : null;
      return verb === "X" ? (hex?.toUpperCase() ?? null) : hex;
    }
    case "f":
      return isNumber ? Number(scalarText(value)).toFixed(digits ?? 6) : null;
    default:
      return null;
  }
}

function cut(text: string, length: number | null): string {
  return length === null ? text : [...text].slice(0, length).join("");
}
