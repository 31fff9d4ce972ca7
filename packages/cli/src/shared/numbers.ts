import { type CommandContext, CommandError } from "../command.ts";
import { quote } from "../format/quote.ts";

/** `Error parsing version value "x": …` */
export function parseVersion(text: string): number {
  return wholeNumber(text, "version value ");
}

/** Of `-check-index`: null when it was not written. */
export function parseCheckIndex({ flags }: CommandContext): number | null {
  const text = flags.string("check-index");
  return text === "" ? null : wholeNumber(text, "check-index value ");
}

function wholeNumber(text: string, what: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new CommandError(
    `Error parsing ${what}${quote(text)}: ` +
      `strconv.ParseUint: parsing ${quote(text)}: invalid syntax`,
  );
}
