/**
 * The replicated state of the simulated cluster: registers that hold the serial number of their
 * last write, and a hash chain over all that was applied.
 */
import type { Entry } from "../core/types.ts";
import { EntryKind } from "../core/types.ts";
import { digestEntry, mix } from "./digest.ts";

export interface Command {
  readonly key: string;
  /** Unique in a run; never 0. */
  readonly serial: number;
}

export function encodeCommand(command: Command): Uint8Array {
  return asciiBytes(`${command.key}=${command.serial}`);
}

export function decodeCommand(data: Uint8Array): Command {
  const [key = "", serial = ""] = asciiText(data).split("=");
  return { key, serial: Number(serial) };
}

function asciiBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  return bytes;
}

function asciiText(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 1) text += String.fromCharCode(bytes[at] as number);
  return text;
}

export class RegisterMachine {
  index = 0;
  /** Over every entry, and over what it replaced. */
  chain = 0;
  #registers = new Map<string, number>();

  /** What `chain` must be; another only where the state was made to differ (corruptible.ts). */
  get trueChain(): number {
    return this.chain;
  }

  /** The first index after which the state was seen to differ from what it must be; 0 = none. */
  get wrongFrom(): number {
    return 0;
  }

  get isSound(): boolean {
    return true;
  }

  apply(entry: Entry): void {
    this.index = entry.index;
    this.chain = mix(mix(this.chain, entry.term), digestEntry(entry));
    if (entry.kind !== EntryKind.normal) return;
    const { key, serial } = decodeCommand(entry.data);
    this.chain = mix(this.chain, this.read(key));
    this.#registers.set(key, serial);
  }

  /** A bit of the state changes by itself. */
  flip(key: string, bit: number): void {
    this.#registers.set(key, this.read(key) ^ (1 << bit));
  }

  /** 0 = never written. */
  read(key: string): number {
    return this.#registers.get(key) ?? 0;
  }

  save(): Uint8Array {
    return asciiBytes(JSON.stringify([this.index, this.chain, [...this.#registers]]));
  }

  load(data: Uint8Array): void {
    const text = asciiText(data);
    const [index, chain, registers] = JSON.parse(text) as [number, number, [string, number][]];
    this.index = index;
    this.chain = chain;
    this.#registers = new Map(registers);
  }
}
