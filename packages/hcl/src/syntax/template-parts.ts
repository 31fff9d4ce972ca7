/**
 * The flat parts of a template, before directives are nested: taking a heredoc's indentation
 * away, and building the expression.
 */
import { endOf, formatRange, graphemes, type Range, rangeBetween } from "../source.ts";
import { string, UNKNOWN } from "../values/value.ts";
import type { Expression } from "./ast.ts";
import type { ForIntroduction } from "./parse-collection.ts";
import type { ParserState } from "./parser-state.ts";

export type TemplatePart =
  | { readonly kind: "text"; readonly text: string; readonly range: Range }
  | { readonly kind: "interpolation"; readonly expression: Expression; readonly range: Range }
  | { readonly kind: "if"; readonly condition: Expression; readonly range: Range }
  | ({ readonly kind: "for"; readonly range: Range } & ForIntroduction)
  | {
      readonly kind: "close";
      readonly directive: "else" | "endif" | "endfor";
      readonly range: Range;
    }
  | { readonly kind: "end"; readonly range: Range };

/**
 * `<<-` takes the smallest indentation of all lines away from each. Blank lines do not count; a
 * line that begins with a sequence has none.
 */
export function stripIndentation(parts: TemplatePart[]): void {
  let smallest = Number.POSITIVE_INFINITY;
  let atLineStart = true;
  const indented: number[] = [];
  for (const [i, part] of parts.entries()) {
    if (atLineStart) {
      atLineStart = false;
      if (part.kind === "end") break;
      if (part.kind !== "text") smallest = 0;
      else if (part.text.trim() !== "" || !part.text.endsWith("\n")) {
        const indentation = part.text.slice(0, part.text.length - part.text.trimStart().length);
        smallest = Math.min(smallest, graphemes(indentation).length);
        indented.push(i);
      }
    }
    if (part.kind === "text" && part.text.endsWith("\n")) atLineStart = true;
  }
  for (const i of indented) {
    const part = parts[i];
    if (part?.kind !== "text") continue;
    const skipped = graphemes(part.text).slice(0, smallest).join("").length;
    const where = { ...part.range, start: part.range.start + skipped };
    parts[i] = { kind: "text", text: part.text.slice(skipped), range: where };
  }
}

export function buildTemplate(
  p: ParserState,
  parts: readonly TemplatePart[],
  where: Range,
): Expression {
  const [first] = parts;
  if (parts.length === 2 && first?.kind === "interpolation") {
    return { kind: "templateWrap", wrapped: first.expression, range: where };
  }
  const builder = new TemplateBuilder(p, joinTexts(parts));
  return { kind: "template", parts: builder.all(), range: where };
}

function joinTexts(parts: readonly TemplatePart[]): TemplatePart[] {
  const joined: TemplatePart[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (part.kind !== "text" || last?.kind !== "text") joined.push(part);
    else {
      const range = rangeBetween(last.range, part.range);
      joined[joined.length - 1] = { kind: "text", text: last.text + part.text, range };
    }
  }
  return joined;
}

type Closing = Extract<TemplatePart, { kind: "close" }>;

class TemplateBuilder {
  readonly #p: ParserState;
  readonly #parts: readonly TemplatePart[];
  #next = 0;

  constructor(p: ParserState, parts: readonly TemplatePart[]) {
    this.#p = p;
    this.#parts = parts;
  }

  all(): Expression[] {
    const expressions: Expression[] = [];
    while (this.#peek().kind !== "end") expressions.push(this.#expression());
    return expressions;
  }

  #peek(): TemplatePart {
    const part = this.#parts[this.#next] ?? this.#parts.at(-1);
    if (part === undefined) throw new RangeError("a template ends with an end part");
    return part;
  }

  #expression(): Expression {
    const part = this.#peek();
    this.#next += 1;
    switch (part.kind) {
      case "text":
        return { kind: "literal", value: string(part.text), range: part.range };
      case "interpolation":
        return part.expression;
      case "if":
        return this.#if(part.condition, part.range);
      case "for":
        return this.#for(part, part.range);
      case "close":
      case "end": {
        const name = part.kind === "end" ? "end of template" : `${part.directive} directive`;
        return this.#unbalanced(
          part.range,
          `Unexpected ${name}`,
          "The control directives within this template are unbalanced.",
        );
      }
    }
  }

  #unbalanced(where: Range, summary: string, detail: string): Expression {
    this.#p.error(where, summary, detail);
    return { kind: "literal", value: UNKNOWN, range: where };
  }

  /** Expressions up to a closing directive, which is read. An error: the template ends first. */
  #until(into: Expression[], opened: string, openRange: Range): Closing | Expression {
    for (;;) {
      const part = this.#peek();
      if (part.kind === "close") {
        this.#next += 1;
        return part;
      }
      if (part.kind === "end") {
        return this.#unbalanced(
          part.range,
          "Unexpected end of template",
          `The ${opened} directive at ${formatRange(openRange)} is missing its corresponding end${opened} directive.`,
        );
      }
      into.push(this.#expression());
    }
  }

  #if(condition: Expression, openRange: Range): Expression {
    const whenTrue: Expression[] = [];
    const whenFalse: Expression[] = [];
    let current = whenTrue;
    for (;;) {
      const close = this.#until(current, "if", openRange);
      if (close.kind !== "close") return close;
      const opened = `if started at ${formatRange(openRange)}`;
      if (close.directive === "endif") {
        return {
          kind: "conditional",
          condition,
          whenTrue: bodyOf(whenTrue, openRange),
          whenFalse: bodyOf(whenFalse, openRange),
          range: rangeBetween(openRange, close.range),
        };
      }
      const summary = `Unexpected ${close.directive} directive`;
      if (close.directive === "endfor") {
        const detail = `Expecting an endif directive for the ${opened}.`;
        return this.#unbalanced(close.range, summary, detail);
      }
      if (current === whenFalse) {
        const detail = `Already in the else clause for the ${opened}.`;
        return this.#unbalanced(close.range, summary, detail);
      }
      current = whenFalse;
    }
  }

  #for(introduction: ForIntroduction, openRange: Range): Expression {
    const content: Expression[] = [];
    const close = this.#until(content, "for", openRange);
    if (close.kind !== "close") return close;
    if (close.directive !== "endfor") {
      return this.#unbalanced(
        close.range,
        `Unexpected ${close.directive} directive`,
        close.directive === "else"
          ? "An else clause is not expected for a for directive."
          : `Expecting an endfor directive corresponding to the for directive at ${formatRange(openRange)}.`,
      );
    }
    const range = rangeBetween(openRange, close.range);
    const { keyName, valueName, collection } = introduction;
    return {
      kind: "templateJoin",
      tuple: {
        kind: "for",
        makesObject: false,
        keyName,
        valueName,
        collection,
        key: null,
        value: bodyOf(content, openRange),
        condition: null,
        group: false,
        openRange,
        range,
      },
      range,
    };
  }
}

/** What stands between two directives; nothing is the empty text. */
function bodyOf(parts: Expression[], openRange: Range): Expression {
  const first = parts[0];
  const last = parts.at(-1);
  if (first === undefined || last === undefined) {
    const where = endOf(openRange);
    const empty: Expression = { kind: "literal", value: string(""), range: where };
    return { kind: "template", parts: [empty], range: where };
  }
  return { kind: "template", parts, range: rangeBetween(first.range, last.range) };
}
