/** Reading the end of logs and files, and going on as they grow (spec chapter 7 §7.10). */
import type { IncomingMessage } from "node:http";
import type { CommandContext, FlagSpec, Flags } from "../command.ts";
import { FrameDecoder, lastLines } from "./frames.ts";

/** A line is taken to be this long when the place to start from is guessed. */
const LINE_BYTES = 120;
const DEFAULT_LINES = 10;

export const TAIL_FLAGS: readonly FlagSpec[] = [
  { name: "f", kind: "bool", help: "Go on as it grows." },
  { name: "tail", kind: "bool", help: "Show only the end." },
  { name: "n", kind: "int", help: "With -tail: how many lines." },
  { name: "c", kind: "int", help: "With -tail: how many bytes." },
];

export interface Tail {
  readonly offset: number;
  readonly origin: "start" | "end";
  /** Lines to keep of what comes; 0 = all. */
  readonly lines: number;
}

export function tailOf({ flags }: CommandContext): Tail {
  if (!wantsTail(flags)) return { offset: 0, origin: "start", lines: 0 };
  if (flags.has("c")) {
    return { offset: flags.int("c"), origin: "end", lines: 0 };
  }
  const lines = flags.has("n") ? flags.int("n") : DEFAULT_LINES;
  return { offset: lines * LINE_BYTES, origin: "end", lines };
}

export function wantsTail(flags: Flags): boolean {
  return flags.bool("tail") || flags.has("n") || flags.has("c");
}

type Write = (bytes: Uint8Array) => void;

/** To the stream's end. */
export async function printFrames(
  context: CommandContext,
  stream: IncomingMessage,
  write: Write,
): Promise<void> {
  const decoder = new FrameDecoder();
  const pieces: Uint8Array[] = [];
  for await (const chunk of stream) pieces.push(decoder.push(chunk as Buffer));
  const all = Buffer.concat(pieces);
  const { lines } = tailOf(context);
  write(lines > 0 ? lastLines(all, lines) : all);
}

/** Until the user interrupts; the first piece is what was there already. */
export async function followFrames(
  context: CommandContext,
  stream: IncomingMessage,
  write: Write,
  signal: AbortSignal,
): Promise<void> {
  const { lines } = tailOf(context);
  const decoder = new FrameDecoder();
  signal.addEventListener("abort", () => stream.destroy());
  let isFirst = true;
  for await (const chunk of stream) {
    const bytes = Buffer.from(decoder.push(chunk as Buffer));
    if (bytes.length === 0) continue;
    write(isFirst && lines > 0 ? lastLines(bytes, lines) : bytes);
    isFirst = false;
  }
}
