/** Which handler answers which method. One router per agent; sockets share it. */
import { DroverError } from "@drover/base";
import type { RpcHandler, RpcPeer, RpcRouter, RpcStream, RpcStreamHandler } from "./rpc.ts";

export class Router implements RpcRouter {
  readonly #handlers = new Map<string, RpcHandler>();
  readonly #streamHandlers = new Map<string, RpcStreamHandler>();
  readonly #onError: (method: string, error: unknown) => void;

  constructor(onError: (method: string, error: unknown) => void) {
    this.#onError = onError;
  }

  handle(method: string, handler: RpcHandler): void {
    this.#handlers.set(method, handler);
  }

  handleStream(method: string, handler: RpcStreamHandler): void {
    this.#streamHandlers.set(method, handler);
  }

  async dispatch(method: string, payload: unknown, peer: RpcPeer): Promise<unknown> {
    const handler = this.#handlers.get(method);
    if (!handler) throw unknownMethod(method);
    return await handler(payload, peer);
  }

  async dispatchStream(
    method: string,
    payload: unknown,
    stream: RpcStream,
    peer: RpcPeer,
    reply: (head: unknown) => void,
  ): Promise<void> {
    const handler = this.#streamHandlers.get(method);
    if (!handler) throw unknownMethod(method);
    await handler(payload, stream, peer, reply);
  }

  reportError(method: string, error: unknown): void {
    this.#onError(method, error);
  }
}

function unknownMethod(method: string): DroverError {
  return new DroverError(
    "unknown-method",
    `unknown method ${method}: is the peer's version newer?`,
  );
}
