/** From the text of a file in the native syntax to a body that can be read. */
import type { Diagnostic } from "../diagnostic.ts";
import type { Source } from "../source.ts";
import { parseFile } from "../syntax/parse.ts";
import type { Body } from "./body.ts";
import { NativeBody, type NativeBodyOptions } from "./native-body.ts";

export function parseNativeBody(
  source: Source,
  options: NativeBodyOptions,
): { body: Body; diagnostics: Diagnostic[] } {
  const { body, diagnostics } = parseFile(source);
  return { body: new NativeBody(body, options), diagnostics };
}
