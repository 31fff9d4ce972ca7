/**
 * Request, reply and stream over one WebSocket, symmetric: either end may call. The contract that
 * client, server and agent build on; `connect.ts` and `listen.ts` implement it.
 */

/** One open stream; chunks are bytes, `end` half-closes, an error resets both ways. */
export interface RpcStream {
  /** Resolves when the peer's window has room: awaiting it is the back-pressure. */
  write(chunk: Uint8Array): Promise<void>;
  end(): void;
  reset(message: string): void;
  readonly chunks: AsyncIterable<Uint8Array>;
}

export interface RpcPeer {
  /** host:port of the other end as dialled, or its remote address. */
  readonly address: string;
  readonly closed: boolean;
  call<Q, A>(
    method: string,
    payload: Q,
    options?: { timeoutMs?: number; signal?: AbortSignal },
  ): Promise<A>;
  /** A message without reply; lost when the socket closes. */
  notify<Q>(method: string, payload: Q): void;
  /** A call that carries a body both ways: the head is the reply payload. */
  open<Q, A>(
    method: string,
    payload: Q,
    options?: { timeoutMs?: number },
  ): Promise<{ head: A; stream: RpcStream }>;
  onClose(fn: (reason: string) => void): () => void;
  close(reason?: string): void;
}

export type RpcHandler = (payload: unknown, peer: RpcPeer) => Promise<unknown>;
export type RpcStreamHandler = (
  payload: unknown,
  stream: RpcStream,
  peer: RpcPeer,
  /** Sends the head; must be called once, before the first write. */
  reply: (head: unknown) => void,
) => Promise<void>;

export interface RpcRouter {
  handle(method: string, handler: RpcHandler): void;
  handleStream(method: string, handler: RpcStreamHandler): void;
}

/** An error that crosses the wire with its code. */
export interface RpcErrorBody {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}
