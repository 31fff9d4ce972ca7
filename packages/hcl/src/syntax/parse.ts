/** Entry points of the native syntax. */
import type { Diagnostic } from "../diagnostic.ts";
import type { Source } from "../source.ts";
import type { BodySyntax, Expression } from "./ast.ts";
import { checkTokens } from "./check-tokens.ts";
import { parseBody } from "./parse-body.ts";
import { parseExpression } from "./parse-expression.ts";
import { parseBareTemplate } from "./parse-template.ts";
import { ParserState } from "./parser-state.ts";
import { scan } from "./scanner.ts";

/** A body comes back even when there are errors; it holds what could be understood. */
export function parseFile(source: Source): { body: BodySyntax; diagnostics: Diagnostic[] } {
  const tokens = scan(source, "normal");
  const diagnostics = checkTokens(tokens);
  const body = parseBody(new ParserState(tokens, diagnostics), "end");
  return { body, diagnostics };
}

/** One expression and nothing else, such as the value of a `-var` flag. */
export function parseExpressionText(source: Source): {
  expression: Expression;
  diagnostics: Diagnostic[];
} {
  const tokens = scan(source, "normal");
  const diagnostics = checkTokens(tokens);
  const state = new ParserState(tokens, diagnostics);
  const expression = state.withNewlines(false, () => {
    const parsed = parseExpression(state);
    const next = state.peek();
    if (next.type !== "end") {
      state.firstError(
        next.range,
        "Extra characters after expression",
        "An expression was successfully parsed, but extra characters were found after it.",
      );
    }
    return parsed;
  });
  return { expression, diagnostics };
}

/** Text with `${…}` in it, as in JSON strings. */
export function parseTemplateText(source: Source): {
  expression: Expression;
  diagnostics: Diagnostic[];
} {
  const tokens = scan(source, "template");
  const diagnostics = checkTokens(tokens);
  const expression = parseBareTemplate(new ParserState(tokens, diagnostics));
  return { expression, diagnostics };
}
