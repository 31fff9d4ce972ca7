/** Parses JSON with places, and goes on after a problem where that is possible. */
import { type Diagnostic, errorAt } from "../diagnostic.ts";
import { nameSuggestion } from "../name-suggestion.ts";
import { type Range, range, rangeBetween, type Source } from "../source.ts";
import { parseNumber } from "../values/number.ts";
import { type JsonMember, type JsonNode, nodeStart } from "./node.ts";

type TokenType =
  | "{"
  | "}"
  | "["
  | "]"
  | ","
  | ":"
  | "="
  | "string"
  | "number"
  | "word"
  | "bad"
  | "end";

interface Token {
  readonly type: TokenType;
  readonly text: string;
  readonly range: Range;
}

const TOKEN =
  /[ \t\r\n]*(?:([{}[\],:=])|("(?:[^"\\\n]|\\.)*(?:"|(?=\n|$)))|([-+.\d][-+.\deE]*)|([A-Za-z_][\w-]*)|([\s\S])|$)/uy;

function scan(source: Source): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(source.text);
    const [whole = "", mark, text, digits, word, bad] = match ?? [];
    at += whole.length;
    const found = mark ?? text ?? digits ?? word ?? bad ?? "";
    const where = range(source, at - found.length, at);
    if (mark !== undefined) tokens.push({ type: mark as TokenType, text: mark, range: where });
    else if (text !== undefined) tokens.push({ type: "string", text, range: where });
    else if (digits !== undefined) tokens.push({ type: "number", text: digits, range: where });
    else if (word !== undefined) tokens.push({ type: "word", text: word, range: where });
    else if (bad !== undefined) tokens.push({ type: "bad", text: bad, range: where });
    else {
      const end = range(source, source.text.length, source.text.length);
      tokens.push({ type: "end", text: "", range: end });
      return tokens;
    }
  }
}

export function parseJsonFile(source: Source): { node: JsonNode; diagnostics: Diagnostic[] } {
  const parser = new JsonParser(scan(source));
  const node = parser.file();
  return { node, diagnostics: parser.diagnostics };
}

const VALUE_STARTS =
  "A JSON value must start with a brace, a bracket, a number, a string, or a keyword.";

class JsonParser {
  readonly diagnostics: Diagnostic[] = [];
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  file(): JsonNode {
    const node = this.#value();
    const next = this.#peek();
    if (this.diagnostics.length === 0 && next.type !== "end") {
      const detail = "Extra characters appear after the JSON value.";
      this.#error(next.range, "Extraneous data after value", detail);
    }
    if (node.kind !== "object" && node.kind !== "array") {
      const detail =
        "The root value in a JSON-based configuration must be either a JSON object or a JSON array of objects.";
      this.#error(node.range, "Root value must be object", detail);
    }
    return node;
  }

  #peek(): Token {
    const token = this.#tokens[this.#next] ?? this.#tokens.at(-1);
    if (token === undefined) throw new RangeError("the tokens end with an end token");
    return token;
  }

  #read(): Token {
    const token = this.#peek();
    this.#next = Math.min(this.#next + 1, this.#tokens.length - 1);
    return token;
  }

  #error(where: Range, summary: string, detail: string): void {
    this.diagnostics.push(errorAt(where, summary, detail));
  }

  #invalid(where: Range, summary: string, detail: string): JsonNode {
    this.#error(where, summary, detail);
    return { kind: "invalid", range: where };
  }

  #value(): JsonNode {
    const token = this.#peek();
    switch (token.type) {
      case "{":
        return this.#object();
      case "[":
        return this.#array();
      case "number":
        return this.#number();
      case "string":
        return this.#string();
      case "word":
        return this.#word();
      case "}":
        return this.#invalid(token.range, "Missing JSON value", VALUE_STARTS);
      case "]":
        return this.#invalid(token.range, "Missing array element value", VALUE_STARTS);
      case "end":
        return this.#invalid(token.range, "Missing value", "The JSON data ends prematurely.");
      default:
        return this.#invalid(token.range, "Invalid start of value", VALUE_STARTS);
    }
  }

  #number(): JsonNode {
    const { text, range: where } = this.#read();
    const value = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/.test(text)
      ? parseNumber(text)
      : null;
    if (value !== null) return { kind: "number", value, range: where };
    return this.#invalid(
      where,
      "Invalid JSON number",
      "There is a syntax error in the given JSON number.",
    );
  }

  #word(): JsonNode {
    const { text, range: where } = this.#read();
    if (text === "true" || text === "false") {
      return { kind: "bool", value: text === "true", range: where };
    }
    if (text === "null") return { kind: "null", range: where };
    const suggestion = nameSuggestion(text, ["true", "false", "null"]);
    const hint = suggestion === null ? "" : ` Did you mean "${suggestion}"?`;
    return this.#invalid(
      where,
      "Invalid JSON keyword",
      `"${text}" is not a valid JSON keyword.${hint}`,
    );
  }

  #string(): JsonNode {
    const { text, range: where } = this.#read();
    if (!text.endsWith('"') || text.length < 2) {
      return this.#invalid(where, "Invalid JSON string", "The string is not closed with a quote.");
    }
    try {
      return { kind: "string", text: JSON.parse(text) as string, range: where };
    } catch (error) {
      const problem = error instanceof SyntaxError ? error.message : "it cannot be read";
      return this.#invalid(
        where,
        "Invalid JSON string",
        `There is a syntax error in the given JSON string: ${problem}.`,
      );
    }
  }

  /** Reads to the end of the object that `from` stands in. */
  #recover(from: Token): void {
    let open = 1;
    for (let token = from; token.type !== "end"; token = this.#read()) {
      if (token.type === "{") open += 1;
      if (token.type !== "}") continue;
      open -= 1;
      if (open <= 1) return;
    }
  }

  #object(): JsonNode {
    const open = this.#read();
    const members: JsonMember[] = [];
    while (this.#peek().type !== "}") {
      const member = this.#member();
      if (member === null) return { kind: "invalid", range: open.range };
      members.push(member);
      if (this.#peek().type === ",") {
        const comma = this.#read();
        if (this.#peek().type === "}") {
          this.#error(
            comma.range,
            "Trailing comma in object",
            "JSON does not permit a trailing comma after the final property in an object.",
          );
        }
      } else if (this.#peek().type !== "}") {
        this.#reportUnclosedObject(open);
        return { kind: "invalid", range: open.range };
      }
    }
    const close = this.#read();
    return {
      kind: "object",
      members,
      openRange: open.range,
      closeRange: close.range,
      range: rangeBetween(open.range, close.range),
    };
  }

  #reportUnclosedObject(open: Token): void {
    const next = this.#peek();
    if (next.type === "end") {
      const detail = "No closing brace was found for this JSON object.";
      this.#error(open.range, "Unclosed object", detail);
    } else if (next.type === "]") {
      this.#read();
      const detail = "A JSON object must be closed with a brace, not a bracket.";
      this.#error(this.#peek().range, "Mismatched braces", detail);
    } else {
      this.#recover(this.#read());
      const detail = "A comma must appear between each property definition in an object.";
      this.#error(this.#peek().range, "Missing attribute seperator comma", detail);
    }
  }

  /** Null when it is broken. */
  #member(): JsonMember | null {
    const key = this.#value();
    if (key.kind !== "string") {
      const detail = "A JSON object property name must be a string";
      this.#error(nodeStart(key), "Invalid object property name", detail);
      return null;
    }
    const colon = this.#read();
    if (colon.type !== ":") {
      this.#recover(colon);
      this.#reportNoColon(colon);
      return null;
    }
    const value = this.#value();
    return { name: key.text, nameRange: key.range, value };
  }

  #reportNoColon(found: Token): void {
    if (found.type === "}" || found.type === ",") {
      const detail = "A JSON object attribute must have a value, introduced by a colon.";
      this.#error(found.range, "Missing object value", detail);
    } else if (found.type === "=") {
      const detail = "JSON uses a colon as its name/value delimiter, not an equals sign.";
      this.#error(found.range, "Missing property value colon", detail);
    } else {
      const detail = "A colon must appear between an object property's name and its value.";
      this.#error(found.range, "Missing property value colon", detail);
    }
  }

  #array(): JsonNode {
    const open = this.#read();
    const items: JsonNode[] = [];
    while (this.#peek().type !== "]") {
      const item = this.#value();
      items.push(item);
      const next = this.#peek();
      if (next.type === ",") {
        this.#read();
        if (this.#peek().type === "]") {
          const detail =
            "JSON does not permit a trailing comma after the final element in an array.";
          this.#error(next.range, "Trailing comma in array", detail);
        }
      } else if (next.type === "end") {
        const detail = "No closing bracket was found for this JSON array.";
        return this.#invalid(open.range, "Unclosed array", detail);
      } else if (next.type !== "]") {
        const detail = "A comma must appear between each value in an array.";
        return this.#invalid(next.range, "Missing attribute seperator comma", detail);
      }
    }
    const close = this.#read();
    const where = rangeBetween(open.range, close.range);
    return { kind: "array", items, openRange: open.range, range: where };
  }
}
