/** Reads members of a request body without caring for the case of their names. */
import { badRequest } from "@drover/api";

export class Fields {
  readonly #members: ReadonlyMap<string, unknown>;
  readonly #goType: string;

  constructor(body: unknown, goType: string) {
    this.#goType = goType;
    if (typeof body !== "object" || body === null || Array.isArray(body)) {
      throw badRequest(`json: cannot unmarshal ${kindOf(body)} into Go value of type ${goType}`);
    }
    this.#members = new Map(
      Object.entries(body).map(([name, value]) => [name.toLowerCase(), value]),
    );
  }

  raw(name: string): unknown {
    return this.#members.get(name.toLowerCase()) ?? null;
  }

  string(name: string): string {
    return this.#typed(name, "string", "");
  }

  number(name: string): number | null {
    return this.#typed<number | null>(name, "number", null);
  }

  boolean(name: string): boolean {
    return this.#typed(name, "boolean", false);
  }

  strings(name: string): string[] {
    const value = this.raw(name);
    if (value === null) return [];
    if (!Array.isArray(value)) throw this.#wrong(name, value, "[]string");
    return value.map((item) => {
      if (typeof item !== "string") throw this.#wrong(name, item, "string");
      return item;
    });
  }

  stringMap(name: string): Record<string, string> {
    const value = this.raw(name);
    if (value === null) return {};
    if (typeof value !== "object" || Array.isArray(value)) {
      throw this.#wrong(name, value, "map[string]string");
    }
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, String(item)]));
  }

  /** A member that is an object; null when it is absent. */
  object(name: string): Fields | null {
    const value = this.raw(name);
    return value === null ? null : new Fields(value, `${this.#goType}.${name}`);
  }

  #typed<T>(name: string, kind: "string" | "number" | "boolean", absent: T): T {
    const value = this.raw(name);
    if (value === null) return absent;
    if (typeof value !== kind) throw this.#wrong(name, value, goKind(kind));
    return value as T;
  }

  #wrong(name: string, value: unknown, wanted: string): Error {
    const owner = this.#goType.split(".").at(-1) ?? "";
    return badRequest(
      `json: cannot unmarshal ${kindOf(value)} into Go struct field ${owner}.${name} ` +
        `of type ${wanted}`,
    );
  }
}

function goKind(kind: "string" | "number" | "boolean"): string {
  return kind === "number" ? "int" : kind === "boolean" ? "bool" : "string";
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "boolean") return "bool";
  return typeof value;
}
