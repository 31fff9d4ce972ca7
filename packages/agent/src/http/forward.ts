/**
 * One HTTP request of the local API answered by another machine's (DESIGN §3): writes go to the
 * leader, questions about a task to the machine that runs it. The token travels along, so a write
 * whose answer was lost may be sent again.
 */
import { ApiError } from "@drover/api";
import { DroverError } from "@drover/base";
import {
  type ForwardHttpReply,
  type ForwardHttpRequest,
  type PeerPool,
  type Router,
  Rpc,
} from "@drover/wire";
import { toWebStream } from "./web-stream.ts";

/** Of one request, from machine to machine. */
export const HOPS_MAX = 2;
const NO_CONTENT = 204;
/** Held queries may take five minutes and a sixteenth. */
const ANSWER_TIMEOUT_MS = 330_000;
const DROPPED_HEADERS = new Set(["connection", "host", "content-length", "transfer-encoding"]);

export interface ForwardOptions {
  readonly token: string;
  readonly hops: number;
}

export async function forwardRequest(
  peers: PeerPool,
  address: string,
  request: Request,
  body: Uint8Array | null,
  options: ForwardOptions,
): Promise<Response> {
  if (options.hops >= HOPS_MAX) {
    throw new ApiError("internal", "request was forwarded too often: leadership is moving, retry");
  }
  const url = new URL(request.url);
  const peer = await peers.get(address);
  const { head, stream } = await peer.open<ForwardHttpRequest, ForwardHttpReply>(
    Rpc.forwardHttp,
    {
      method: request.method,
      url: `${url.pathname}${url.search}`,
      headers: plainHeaders(request.headers),
      body,
      token: options.token,
      hops: options.hops + 1,
    },
    { timeoutMs: ANSWER_TIMEOUT_MS },
  );
  const leave = () => stream.reset("the caller went away");
  if (request.signal.aborted) leave();
  request.signal.addEventListener("abort", leave);
  const { status, headers } = head;
  // A response of this status may not even have an empty body.
  if (status === NO_CONTENT) return new Response(null, { status, headers });
  return new Response(toWebStream(stream.chunks), { status, headers });
}

/** What the first of the addresses that can be asked answers; throws what the last one said. */
export async function throughAny<T>(
  addresses: readonly string[],
  ask: (address: string) => Promise<T>,
): Promise<T> {
  let failure: unknown = noLeader();
  for (const address of addresses) {
    try {
      return await ask(address);
    } catch (error) {
      if (!(error instanceof DroverError && error.retryable)) throw error;
      failure = error;
    }
  }
  throw failure;
}

export function noLeader(): DroverError {
  return new DroverError("no-leader", "No cluster leader", { retryable: true });
}

export type LocalDispatch = (request: Request, options: ForwardOptions) => Promise<Response>;

/** Serves what other machines forward to this one. */
export function serveForwarded(router: Router, dispatch: LocalDispatch): void {
  router.handleStream(Rpc.forwardHttp, async (payload, stream, peer, reply) => {
    const asked = payload as ForwardHttpRequest;
    const abort = new AbortController();
    const off = peer.onClose(() => abort.abort());
    void abortWhenReset(stream.chunks, abort);
    const withBody = asked.body !== null && asked.method !== "GET";
    const request = new Request(`http://local${asked.url}`, {
      method: asked.method,
      headers: asked.headers,
      signal: abort.signal,
      ...(withBody ? { body: new Uint8Array(asked.body as Uint8Array) } : {}),
    });
    try {
      const response = await dispatch(request, { token: asked.token, hops: asked.hops });
      reply({ status: response.status, headers: plainHeaders(response.headers) });
      if (response.body) {
        for await (const chunk of response.body) await stream.write(chunk);
      }
    } catch (error) {
      if (error instanceof DroverError && error.code === "stream-reset") abort.abort();
      throw error;
    } finally {
      abort.abort();
      off();
    }
  });
}

/** An answer that has nothing to send, an idle event stream say, would not notice by a write. */
async function abortWhenReset(
  fromCaller: AsyncIterable<Uint8Array>,
  abort: AbortController,
): Promise<void> {
  try {
    for await (const _ of fromCaller);
  } catch (error) {
    abort.abort(error);
  }
}

function plainHeaders(headers: Headers): Record<string, string> {
  const plain: Record<string, string> = {};
  headers.forEach((value, name) => {
    if (!DROPPED_HEADERS.has(name.toLowerCase())) plain[name] = value;
  });
  return plain;
}
