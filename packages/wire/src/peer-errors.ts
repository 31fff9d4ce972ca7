/** How failures are told: to callers here, and over the wire to callers there. */
import { DroverError, errorText } from "@drover/base";
import type { RpcErrorBody } from "./rpc.ts";

/** Of a WebSocket's closing frame. */
const REASON_BYTES_MAX = 120;

export function lostError(method: string, address: string, reason: string): DroverError {
  return new DroverError("connection-lost", `${method}: connection to ${address} lost: ${reason}`, {
    retryable: true,
  });
}

/** Cut to what a closing frame may hold, never inside a character. */
export function shortened(reason: string): string {
  let text = reason.slice(0, REASON_BYTES_MAX);
  while (Buffer.byteLength(text) > REASON_BYTES_MAX) text = text.slice(0, -1);
  return text;
}

export function errorBody(error: unknown): RpcErrorBody {
  if (error instanceof DroverError) {
    return { code: error.code, message: error.message, retryable: error.retryable };
  }
  return { code: "internal", message: errorText(error), retryable: false };
}
