/**
 * One run of a built-in check (spec chapter 5 §5.7). Outputs are the ones users of the HTTP API
 * know; a body is cut at three KiB.
 */
import http from "node:http";
import https from "node:https";
import net from "node:net";
import { errorText, nanosToMs } from "@drover/base";
import { type CheckSpec, CheckStatus } from "../service-discovery.ts";

export interface ProbeResult {
  readonly status: CheckStatus;
  readonly output: string;
  /** HTTP status; 0 for tcp and where there was no answer. */
  readonly statusCode: number;
}

const OUTPUT_BYTES_MAX = 3 * 1024;
const REDIRECTS_MAX = 10;

/** Never rejects, except with the reason of `signal`: what goes wrong is the check's result. */
export async function runProbe(check: CheckSpec, signal: AbortSignal): Promise<ProbeResult> {
  const timeoutMs = nanosToMs(check.definition.timeout);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  try {
    return check.definition.type === "http"
      ? await probeHttp(check, limit)
      : await probeTcp(check, limit);
  } catch (error) {
    signal.throwIfAborted();
    const output = limit.aborted
      ? `nomad: no answer within ${timeoutMs}ms`
      : `nomad: ${errorText(error)}`;
    return { status: CheckStatus.critical, output, statusCode: 0 };
  }
}

function probeTcp(check: CheckSpec, signal: AbortSignal): Promise<ProbeResult> {
  const url = new URL(`tcp://${check.address}`);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port: Number(url.port), signal });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.destroy();
      resolve({ status: CheckStatus.passing, output: "nomad: tcp ok", statusCode: 0 });
    });
  });
}

async function probeHttp(check: CheckSpec, signal: AbortSignal): Promise<ProbeResult> {
  const { definition } = check;
  let url = new URL(`${definition.protocol || "http"}://${check.address}${definition.path}`);
  let method = definition.method || "GET";
  for (let redirects = 0; ; redirects++) {
    const answer = await request(url, { method, check, signal });
    const location = answer.location;
    if (location === "") return httpResult(answer);
    if (redirects === REDIRECTS_MAX) throw new Error(`stopped after ${REDIRECTS_MAX} redirects`);
    url = new URL(location, url);
    // As browsers and the usual clients do: only 307 and 308 repeat the method and body.
    if (answer.statusCode !== 307 && answer.statusCode !== 308 && method !== "HEAD") method = "GET";
  }
}

interface HttpAnswer {
  readonly statusCode: number;
  /** Where to go on; "" when this is the answer itself. */
  readonly location: string;
  readonly text: string;
}

function httpResult(answer: HttpAnswer): ProbeResult {
  const { statusCode, text } = answer;
  const status = statusCode < 400 ? CheckStatus.passing : CheckStatus.critical;
  return { status, output: statusCode === 200 ? "nomad: http ok" : text, statusCode };
}

function request(
  url: URL,
  options: { readonly method: string; readonly check: CheckSpec; readonly signal: AbortSignal },
): Promise<HttpAnswer> {
  const { definition } = options.check;
  const client = url.protocol === "https:" ? https : http;
  const settings = {
    method: options.method,
    headers: definition.header,
    signal: options.signal,
    rejectUnauthorized: !definition.tlsSkipVerify,
    // A check asks whether a new connection works, so none is kept.
    agent: false,
  };
  return new Promise((resolve, reject) => {
    const outgoing = client.request(url, settings, (answer) => {
      readLimited(answer).then((text) => {
        const statusCode = answer.statusCode ?? 0;
        const redirected = statusCode >= 301 && statusCode <= 308 && statusCode !== 304;
        const location = redirected ? (answer.headers.location ?? "") : "";
        resolve({ statusCode, location, text });
      }, reject);
    });
    outgoing.once("error", reject);
    outgoing.end(options.method === "GET" ? "" : definition.body);
  });
}

async function readLimited(answer: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    // Leaving the loop closes the connection; nothing behind the limit is of interest.
    if (size >= OUTPUT_BYTES_MAX) break;
  }
  return Buffer.concat(chunks).subarray(0, OUTPUT_BYTES_MAX).toString("utf8");
}
