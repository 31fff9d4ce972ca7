/** Functions between text and other forms: base64, JSON, CSV. */
import { decodeUtf8, encodeUtf8 } from "../utf8.ts";
import { listOf, objectOf, STRING, type Type } from "../values/type.ts";
import { object, string, stringOf, type Value } from "../values/value.ts";
import { anyOrNull, define, type Entry, fail, text } from "./define.ts";
import { decodeJson, encodeJson } from "./json-text.ts";

export function encodingFunctions(): Entry[] {
  return [
    define("base64encode", [text("str")], (value) => {
      return string(encodeBase64(encodeUtf8(stringOf(value))));
    }),
    define("base64decode", [text("str")], decodeBase64Text),
    define("jsonencode", [anyOrNull("val")], (value) => string(encodeJson(value))),
    define("jsondecode", [text("str")], (value) => decodeJson(stringOf(value))),
    define("csvdecode", [text("str")], decodeCsv),
  ];
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

export function encodeBase64(bytes: Uint8Array): string {
  let result = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const group = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    const missing = Math.max(0, i + 3 - bytes.length);
    for (let place = 0; place < 4; place += 1) {
      const index = (group >> (18 - 6 * place)) & 63;
      result += place < 4 - missing ? (ALPHABET[index] ?? "") : "=";
    }
  }
  return result;
}

/** Null when it is not base64. */
export function decodeBase64(given: string): Uint8Array | null {
  const clean = given.replace(/[\r\n]/g, "");
  if (clean.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(clean)) return null;
  const bytes: number[] = [];
  for (let i = 0; i < clean.length; i += 4) {
    let group = 0;
    for (let place = 0; place < 4; place += 1) {
      group = (group << 6) | Math.max(0, ALPHABET.indexOf(clean[i + place] ?? "="));
    }
    bytes.push((group >> 16) & 255, (group >> 8) & 255, group & 255);
  }
  const padding = clean.endsWith("==") ? 2 : clean.endsWith("=") ? 1 : 0;
  return Uint8Array.from(bytes.slice(0, bytes.length - padding));
}

function decodeBase64Text(value: Value): Value {
  const given = stringOf(value);
  const bytes = decodeBase64(given);
  if (bytes === null) fail(`failed to decode base64 data '${given}'`);
  const decoded = decodeUtf8(bytes);
  if (/\p{Surrogate}/u.test(decoded)) {
    fail("the result of decoding the provided string is not valid UTF-8");
  }
  return string(decoded);
}

function decodeCsv(value: Value): Value {
  const [header, ...rows] = parseCsv(stringOf(value));
  if (header === undefined) fail("missing header line");
  const duplicate = header.find((name, i) => header.indexOf(name) !== i);
  if (duplicate !== undefined) fail(`duplicate column name "${duplicate}"`);
  const columns = new Map<string, Type>(header.map((name) => [name, STRING]));
  const records = rows.map((row, i) => {
    if (row.length !== header.length) {
      fail(`CSV parse error on line ${i + 2}: wrong number of fields`);
    }
    return object(new Map(header.map((name, column) => [name, string(row[column] ?? "")])));
  });
  return { type: listOf(objectOf(columns)), data: records };
}

const CSV_FIELD = /"((?:[^"]|"")*)"|([^,\r\n"]*)/y;
const LINE_END = /\r?\n/y;

/** Rows of fields; empty lines do not count. */
function parseCsv(given: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let at = 0;
  while (at < given.length) {
    CSV_FIELD.lastIndex = at;
    const match = CSV_FIELD.exec(given);
    const isQuoted = given[at] === '"';
    row.push(match?.[1]?.replaceAll('""', '"') ?? match?.[2] ?? "");
    at += match?.[0].length ?? 0;
    if (given[at] === ",") {
      at += 1;
      if (at < given.length) continue;
      row.push("");
    }
    LINE_END.lastIndex = at;
    const newline = LINE_END.exec(given)?.[0].length ?? 0;
    if (newline === 0 && at < given.length) {
      const problem = isQuoted
        ? 'extraneous or missing " in quoted-field'
        : 'bare " in non-quoted-field';
      fail(`CSV parse error on line ${rows.length + 1}: ${problem}`);
    }
    at += newline;
    if (row.length > 1 || row[0] !== "") rows.push(row);
    row = [];
  }
  return rows;
}
