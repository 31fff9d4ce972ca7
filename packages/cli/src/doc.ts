/**
 * A document of the API, read by its wire names. What is absent reads as empty, so that answers of
 * older and newer agents print alike.
 */
import type { Json } from "@drover/model";

export class Doc {
  readonly json: Json;

  constructor(json: Json | undefined) {
    this.json = json ?? null;
  }

  get exists(): boolean {
    return this.json !== null;
  }

  /** A member as a document; a missing one is empty. */
  at(name: string): Doc {
    const { json } = this;
    if (typeof json !== "object" || json === null || Array.isArray(json)) return new Doc(null);
    return new Doc(json[name]);
  }

  text(name: string): string {
    const value = this.at(name).json;
    return typeof value === "string" ? value : "";
  }

  num(name: string): number {
    const value = this.at(name).json;
    return typeof value === "number" ? value : 0;
  }

  flag(name: string): boolean {
    return this.at(name).json === true;
  }

  /** Epoch ms of a member in Unix nanoseconds; 0 = never. */
  instant(name: string): number {
    return Math.floor(this.num(name) / 1e6);
  }

  /** Epoch ms of a member in RFC 3339; 0 = never. */
  time(name: string): number {
    const text = this.text(name);
    return text === "" || text.startsWith("0001-01-01") ? 0 : Date.parse(text);
  }

  /** This document's items, or those of a member. */
  list(name?: string): Doc[] {
    const value = name === undefined ? this.json : this.at(name).json;
    return Array.isArray(value) ? value.map((item) => new Doc(item)) : [];
  }

  texts(name: string): string[] {
    return this.list(name).map((item) => String(item.json));
  }

  /** Members in order of their names. */
  entries(name?: string): [name: string, value: Doc][] {
    const value = name === undefined ? this.json : this.at(name).json;
    if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
    return Object.keys(value)
      .sort()
      .map((key) => [key, new Doc(value[key])]);
  }
}
