/**
 * Reads YAML 1.1 as far as configuration uses it: block and flow collections, plain, quoted and
 * block scalars, comments, anchors and aliases. Tags and several documents are refused.
 */
import { parseNumber } from "../values/number.ts";
import { bool, NULL, number, object, string, tuple, type Value } from "../values/value.ts";
import { fail } from "./define.ts";
import { FlowReader, splitFlowKey } from "./yaml-flow.ts";

interface Line {
  readonly indent: number;
  readonly text: string;
  readonly number: number;
}

const TRUE = /^(?:y|yes|true|on)$/i;
const FALSE = /^(?:n|no|false|off)$/i;
const NUMBER = /^[-+]?(?:0|[1-9][\d_]*|\d[\d_]*\.[\d_]*|\.\d[\d_]*)(?:\.[\d_]*)?(?:[eE][-+]?\d+)?$/;

/** A plain scalar: bool, number, null or text. */
export function plainScalar(given: string): Value {
  if (given === "" || given === "~" || /^null$/i.test(given)) return NULL;
  if (TRUE.test(given)) return bool(true);
  if (FALSE.test(given)) return bool(false);
  const hex = /^([-+]?)0x([0-9a-fA-F]+)$/.exec(given);
  const clean = hex === null ? given.replaceAll("_", "").replace(/^\+/, "") : "";
  const parsed = NUMBER.test(given) ? parseNumber(clean) : null;
  if (parsed !== null) return number(parsed);
  const fromHex = hex === null ? null : parseNumber(String(Number.parseInt(hex[2] ?? "0", 16)));
  return fromHex === null ? string(given) : number(fromHex);
}

export function decodeYaml(text: string): Value {
  const lines = text.split(/\r?\n/);
  if (lines.slice(1).some((line) => /^---(?:\s|$)/.test(line))) {
    fail("on line 1, column 1: unexpected extra content after value");
  }
  const reader = new BlockReader(lines.filter((line, i) => i > 0 || !/^---\s*$/.test(line)));
  return reader.document();
}

class BlockReader {
  readonly #raw: readonly string[];
  readonly #anchors = new Map<string, Value>();
  #next = 0;

  constructor(raw: readonly string[]) {
    this.#raw = raw;
  }

  document(): Value {
    const first = this.#peek();
    if (first === null) return NULL;
    const value = this.#node(first.indent);
    const extra = this.#peek();
    if (extra !== null) this.#fail(extra, "unexpected extra content after value");
    return value;
  }

  #fail(line: Line, problem: string): never {
    return fail(`on line ${line.number}, column ${line.indent + 1}: ${problem}`);
  }

  /** The next line that is neither empty nor a comment. */
  #peek(): Line | null {
    for (; this.#next < this.#raw.length; this.#next += 1) {
      const raw = this.#raw[this.#next] ?? "";
      const text = raw.trimStart();
      if (text === "" || text.startsWith("#")) continue;
      if (raw.startsWith("\t")) {
        fail(`on line ${this.#next + 1}, column 1: found character that cannot start any token`);
      }
      return { indent: raw.length - text.length, text, number: this.#next + 1 };
    }
    return null;
  }

  #node(indent: number): Value {
    const line = this.#peek();
    if (line === null || line.indent < indent) return NULL;
    if (/^-(?:\s|$)/.test(line.text)) return this.#sequence(line.indent);
    if (splitFlowKey(line.text) !== null) return this.#mapping(line.indent);
    this.#next += 1;
    return this.#inline(line.text, line.indent - 1);
  }

  #sequence(indent: number): Value {
    const elements: Value[] = [];
    for (;;) {
      const line = this.#peek();
      if (line === null || line.indent !== indent || !/^-(?:\s|$)/.test(line.text)) break;
      elements.push(this.#afterMarker(line, line.text.slice(1)));
    }
    return tuple(elements);
  }

  /** What follows a dash: on its line, a nested block may begin. */
  #afterMarker(line: Line, rest: string): Value {
    const text = rest.trimStart();
    const column = line.indent + 1 + rest.length - text.length;
    if (text === "" || text.startsWith("#")) {
      this.#next += 1;
      return this.#node(line.indent + 1);
    }
    if (/^-(?:\s|$)/.test(text) || splitFlowKey(text) !== null) {
      const lines = this.#raw as string[];
      lines[this.#next] = " ".repeat(column) + text;
      return this.#node(column);
    }
    this.#next += 1;
    return this.#inline(text, line.indent);
  }

  #mapping(indent: number): Value {
    const entries = new Map<string, Value>();
    for (;;) {
      const line = this.#peek();
      if (line === null || line.indent < indent) break;
      if (line.indent > indent) this.#fail(line, "did not find expected key");
      const split = splitFlowKey(line.text);
      if (split === null) this.#fail(line, "could not find expected ':'");
      this.#next += 1;
      const value = this.#mappingValue(split.rest, indent);
      if (split.key === "<<" && value.data instanceof Map) {
        for (const [key, each] of value.data) if (!entries.has(key)) entries.set(key, each);
      } else entries.set(split.key, value);
    }
    return object(entries);
  }

  #mappingValue(rest: string, indent: number): Value {
    if (rest !== "" && !rest.startsWith("#")) return this.#inline(rest, indent);
    const next = this.#peek();
    if (next === null) return NULL;
    const isList = next.indent === indent && /^-(?:\s|$)/.test(next.text);
    return next.indent > indent || isList ? this.#node(next.indent) : NULL;
  }

  /** A value that begins on this line, and may go on over deeper ones. */
  #inline(text: string, indent: number): Value {
    const anchor = /^&(\S+)\s*/.exec(text);
    if (anchor !== null) {
      const value = this.#mappingValue(text.slice(anchor[0].length), indent);
      this.#anchors.set(anchor[1] ?? "", value);
      return value;
    }
    const alias = /^\*(\S+)/.exec(text)?.[1];
    if (alias !== undefined) {
      return this.#anchors.get(alias) ?? fail(`reference to undefined anchor "${alias}"`);
    }
    const block = /^([|>])([-+]?)\d*([-+]?)\s*(?:#.*)?$/.exec(text);
    if (block !== null) {
      return string(this.#blockScalar(block[1] === ">", (block[2] || block[3]) ?? "", indent));
    }
    if (text.startsWith("!")) fail(`unsupported tag "${text.split(" ")[0]}"`);
    return this.#flow(text, indent);
  }

  #flow(text: string, indent: number): Value {
    let whole = text;
    for (;;) {
      const reader = new FlowReader(whole, plainScalar);
      const value = reader.read();
      if (value !== null) return value;
      const next = this.#peek();
      if (next === null || next.indent <= indent) {
        return fail("did not find expected end of a flow value");
      }
      whole += `${reader.needsSpace ? " " : "\n"}${next.text}`;
      this.#next += 1;
    }
  }

  #blockScalar(folded: boolean, chomping: string, parent: number): string {
    const lines: string[] = [];
    let indent: number | null = null;
    for (; this.#next < this.#raw.length; this.#next += 1) {
      const raw = this.#raw[this.#next] ?? "";
      const own = raw.length - raw.trimStart().length;
      if (raw.trim() !== "" && own <= parent) break;
      if (raw.trim() !== "") indent ??= own;
      lines.push(raw.slice(indent ?? raw.length));
    }
    let body = lines.join("\n");
    if (folded) body = body.replace(/([^\n])\n(?=[^\n\s])/g, "$1 ");
    const trimmed = body.replace(/\n+$/, "");
    if (chomping === "-") return trimmed;
    return chomping === "+" ? `${body}\n` : trimmed === "" ? "" : `${trimmed}\n`;
  }
}
