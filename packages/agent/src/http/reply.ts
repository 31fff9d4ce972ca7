/** What a handler answers, and how it becomes an HTTP response (spec chapter 8 §8.1). */

import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { ApiError } from "@drover/api";
import { DroverError, errorText } from "@drover/base";
import { toWebStream } from "./web-stream.ts";

const gzipAsync = promisify(gzip);
/** A shorter answer fits into one packet as it is; packing it costs more than it saves. */
const GZIP_LENGTH_MIN = 1024;

const TOO_MANY_REQUESTS = 429;
const RETRY_AFTER_S = "5";

export interface Reply {
  readonly status?: number;
  /** JSON document; left out for an empty body. */
  readonly json?: unknown;
  /** Encoded already, sent as it is. */
  readonly text?: { readonly body: string; readonly contentType: string };
  readonly stream?: {
    readonly chunks: AsyncIterable<Uint8Array>;
    readonly contentType: string;
  };
  readonly headers?: Readonly<Record<string, string>>;
  /** Sets `X-Nomad-Index`; a read sets the two other headers too. */
  readonly index?: number;
  /** Some calls answer without the index headers although they read state (spec §8.1). */
  readonly noHeaders?: boolean;
  readonly nextToken?: string;
}

export interface ReplyOptions {
  readonly read: boolean;
  readonly knownLeader: boolean;
  readonly pretty: boolean;
  readonly acceptGzip: boolean;
}

export async function toResponse(reply: Reply, options: ReplyOptions): Promise<Response> {
  const headers = new Headers(reply.headers);
  if (reply.index !== undefined && !reply.noHeaders) indexHeaders(headers, reply, options);
  if (reply.stream) {
    headers.set("Content-Type", reply.stream.contentType);
    return new Response(toWebStream(reply.stream.chunks), {
      status: reply.status ?? 200,
      headers,
    });
  }
  let body: string | null = null;
  if (reply.text) {
    headers.set("Content-Type", reply.text.contentType);
    body = reply.text.body;
  } else if (reply.json !== undefined) {
    headers.set("Content-Type", "application/json");
    body = options.pretty ? `${JSON.stringify(reply.json, null, 4)}\n` : JSON.stringify(reply.json);
  }
  return await withGzip(body, reply.status ?? 200, headers, options.acceptGzip);
}

function indexHeaders(headers: Headers, reply: Reply, options: ReplyOptions): void {
  headers.set("X-Nomad-Index", String(reply.index));
  if (!options.read) return;
  headers.set("X-Nomad-KnownLeader", String(options.knownLeader));
  headers.set("X-Nomad-LastContact", "0");
  if (reply.nextToken) headers.set("X-Nomad-NextToken", reply.nextToken);
}

async function withGzip(
  body: string | null,
  status: number,
  headers: Headers,
  acceptGzip: boolean,
): Promise<Response> {
  headers.set("Vary", "Accept-Encoding");
  if (!acceptGzip || body === null || body.length < GZIP_LENGTH_MIN) {
    return new Response(body, { status, headers });
  }
  headers.set("Content-Encoding", "gzip");
  const packed = await gzipAsync(body, { level: 1 });
  return new Response(new Uint8Array(packed), { status, headers });
}

export function errorReply(error: unknown): Reply {
  const status = error instanceof ApiError ? error.status : statusOf(error);
  return {
    status,
    ...(status === TOO_MANY_REQUESTS ? { headers: { "Retry-After": RETRY_AFTER_S } } : {}),
    text: { body: errorText(error), contentType: "text/plain; charset=utf-8" },
  };
}

function statusOf(error: unknown): number {
  if (!(error instanceof DroverError)) return 500;
  return new ApiError(error.code, "").status;
}
