/**
 * The frames of the RPC socket: one msgpack array each, `[kind, id, …]`. The dialling side numbers
 * its calls odd, the accepting side even, so an id names one exchange in both directions.
 */
import type { RpcErrorBody } from "./rpc.ts";

export const FrameKind = {
  call: 0,
  reply: 1,
  error: 2,
  notify: 3,
  open: 4,
  head: 5,
  chunk: 6,
  end: 7,
  reset: 8,
  window: 9,
  /** From the serving side: its handler has returned, both directions are over. */
  done: 10,
} as const;

export type Frame =
  | readonly [kind: 0, id: number, method: string, payload: unknown]
  | readonly [kind: 1, id: number, payload: unknown]
  | readonly [kind: 2, id: number, error: RpcErrorBody]
  | readonly [kind: 3, id: 0, method: string, payload: unknown]
  | readonly [kind: 4, id: number, method: string, payload: unknown]
  | readonly [kind: 5, id: number, payload: unknown]
  | readonly [kind: 6, id: number, bytes: Uint8Array]
  | readonly [kind: 7, id: number]
  | readonly [kind: 8, id: number, message: string]
  | readonly [kind: 9, id: number, bytes: number]
  | readonly [kind: 10, id: number];

/** A peer that sends anything else is cut off. */
export function isFrame(value: unknown): value is Frame {
  if (!Array.isArray(value) || typeof value[0] !== "number" || typeof value[1] !== "number") {
    return false;
  }
  switch (value[0]) {
    case FrameKind.call:
    case FrameKind.notify:
    case FrameKind.open:
      return typeof value[2] === "string" && value.length === 4;
    case FrameKind.reply:
    case FrameKind.head:
      return value.length === 3;
    case FrameKind.error:
      return typeof value[2] === "object" && value[2] !== null;
    case FrameKind.chunk:
      return value[2] instanceof Uint8Array;
    case FrameKind.end:
    case FrameKind.done:
      return true;
    case FrameKind.reset:
      return typeof value[2] === "string";
    case FrameKind.window:
      return typeof value[2] === "number";
    default:
      return false;
  }
}
