/** Reads a request's JSON, with the decoder's words for what is wrong (spec chapter 8 §8.1). */
import { badRequest } from "@drover/api";

const BODY_BYTES_MAX = 16 << 20;

export async function readJson(request: Pick<Request, "text">): Promise<unknown> {
  const text = await request.text();
  if (text.length > BODY_BYTES_MAX) throw badRequest("http: request body too large");
  if (text.trim() === "") throw badRequest("Request body is empty");
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw badRequest(decoderText(text, error));
  }
}

/** Where the parser stopped → what users of the field know it as. */
const PLACES: readonly (readonly [RegExp, string])[] = [
  [/^Expected (double-quoted )?property name/, "looking for beginning of object key string"],
  [/^Expected ':'/, "after object key"],
  [/^Expected ',' or '}'/, "after object key:value pair"],
  [/^Expected ',' or '\]'/, "after array element"],
  [/^Unexpected non-whitespace/, "after top-level value"],
];

function decoderText(text: string, error: SyntaxError): string {
  if (isCutOff(text)) return "unexpected EOF";
  const at = /position (\d+)/.exec(error.message);
  const named = /^Unexpected token '(.)'/su.exec(error.message);
  const char = at ? text[Number(at[1])] : (named?.[1] ?? text.trim()[0]);
  const place = PLACES.find(([pattern]) => pattern.test(error.message));
  return `invalid character '${char ?? ""}' ${place?.[1] ?? "looking for beginning of value"}`;
}

/** True when brackets or a string are still open at the end. */
function isCutOff(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (inString) {
      if (c === "\\") i++;
      else if (c === '"') inString = false;
    } else if (c === '"') inString = true;
    else if (c === "{" || c === "[") depth++;
    else if (c === "}" || c === "]") depth--;
  }
  return inString || depth > 0;
}
