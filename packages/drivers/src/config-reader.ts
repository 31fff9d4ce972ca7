/**
 * Reads a task's `config` block. Each driver names the fields it knows; a field it does not know
 * or of the wrong type is an error of the job, which no retry can repair. Interpolation turns
 * values into text, so `"8"` is a number and `"true"` a truth value too.
 */
import { nanosToMs, parseDuration } from "@drover/base";
import type { Json } from "@drover/model";
import { TaskStartError } from "./task-driver.ts";

export type DriverConfig = Readonly<Record<string, Json>>;

export class ConfigReader {
  readonly #driver: string;
  readonly #config: DriverConfig;

  /** Throws TaskStartError for a key that is not in `known`. */
  constructor(driver: string, config: DriverConfig, known: ReadonlySet<string>) {
    this.#driver = driver;
    this.#config = config;
    for (const key of Object.keys(config)) {
      if (!known.has(key)) throw this.#invalid(`unknown field: ${key}`);
    }
  }

  requiredText(key: string): string {
    const value = this.text(key);
    if (value === "") throw this.#invalid(`missing required field: ${key}`);
    return value;
  }

  text(key: string, fallback = ""): string {
    const value = this.#config[key];
    if (value === undefined || value === null) return fallback;
    if (typeof value === "string") return value;
    if (typeof value === "number" || typeof value === "boolean") return String(value);
    throw this.#wrongType(key, "a string");
  }

  bool(key: string, fallback = false): boolean {
    const value = this.#config[key];
    if (value === undefined || value === null || value === "") return fallback;
    if (value === true || value === "true" || value === "1") return true;
    if (value === false || value === "false" || value === "0") return false;
    throw this.#wrongType(key, "true or false");
  }

  int(key: string, fallback = 0): number {
    const value = this.#config[key];
    if (value === undefined || value === null || value === "") return fallback;
    const number = typeof value === "string" ? Number(value) : value;
    if (typeof number !== "number" || !Number.isInteger(number)) {
      throw this.#wrongType(key, "a whole number");
    }
    return number;
  }

  /** Milliseconds; a bare number is nanoseconds, as everywhere on the wire. */
  durationMs(key: string, fallbackMs = 0): number {
    const value = this.#config[key];
    if (value === undefined || value === null || value === "") return fallbackMs;
    if (typeof value === "number") return nanosToMs(value);
    const parsed = typeof value === "string" ? parseDuration(value) : null;
    if (parsed === null || !parsed.ok) throw this.#wrongType(key, 'a duration such as "30s"');
    return nanosToMs(parsed.nanos);
  }

  texts(key: string): readonly string[] {
    const value = this.#config[key];
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) throw this.#wrongType(key, "a list of strings");
    return value.map((item) => {
      if (typeof item === "object") throw this.#wrongType(key, "a list of strings");
      return String(item);
    });
  }

  /** `{a = "b"}` as an attribute, or blocks of the same shape, later ones winning. */
  textMap(key: string): Readonly<Record<string, string>> {
    const result: Record<string, string> = {};
    for (const block of this.blocks(key)) {
      for (const [name, value] of Object.entries(block)) {
        if (value === null || typeof value === "object") {
          throw this.#wrongType(key, "a map of strings");
        }
        result[name] = String(value);
      }
    }
    return result;
  }

  /** A block that may be written several times; one written once may come without its list. */
  blocks(key: string): readonly DriverConfig[] {
    const value = this.#config[key];
    if (value === undefined || value === null) return [];
    const list = Array.isArray(value) ? value : [value];
    return list.map((item) => {
      if (typeof item !== "object" || item === null || Array.isArray(item)) {
        throw this.#wrongType(key, "a block");
      }
      return item;
    });
  }

  /** A reader over one block inside this configuration. */
  nested(key: string, block: DriverConfig, known: ReadonlySet<string>): ConfigReader {
    return new ConfigReader(`${this.#driver} ${key}`, block, known);
  }

  invalid(message: string): TaskStartError {
    return this.#invalid(message);
  }

  #wrongType(key: string, expected: string): TaskStartError {
    return this.#invalid(`field ${key} must be ${expected}`);
  }

  #invalid(message: string): TaskStartError {
    return new TaskStartError("invalid-config", `${this.#driver} configuration: ${message}`, {
      retryable: false,
    });
  }
}
