/** From the text of a file to a body that can be read. */
import type { Diagnostic } from "../diagnostic.ts";
import type { Scope } from "../eval/scope.ts";
import { JsonBody } from "../json/json-body.ts";
import { parseJsonFile } from "../json/parse-json.ts";
import type { Source } from "../source.ts";
import { parseFile } from "../syntax/parse.ts";
import type { Body } from "./body.ts";
import { NativeBody } from "./native-body.ts";

export interface ParsedBody {
  readonly body: Body;
  readonly diagnostics: Diagnostic[];
}

/** The native syntax, or JSON when the text begins with a brace. */
export function parseBodyText(source: Source, scope: Scope): ParsedBody {
  if (/^ *\{/.test(source.text)) {
    const { node, diagnostics } = parseJsonFile(source);
    return { body: new JsonBody(node, scope), diagnostics };
  }
  const { body, diagnostics } = parseFile(source);
  return { body: new NativeBody(body, scope), diagnostics };
}
