import { CommandError } from "../command.ts";
import { quote } from "../format/quote.ts";

/** A whole number of a flag. */
export function parseCount(flag: string, text: string): number {
  if (/^-?\d+$/.test(text)) return Number(text);
  throw new CommandError(`invalid value ${quote(text)} for flag -${flag}: parse error`);
}

/** `Error parsing version value "x": …` */
export function parseVersion(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new CommandError(
    `Error parsing version value ${quote(text)}: ` +
      `strconv.ParseUint: parsing ${quote(text)}: invalid syntax`,
  );
}
