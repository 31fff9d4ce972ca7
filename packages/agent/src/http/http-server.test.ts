import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import test from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { httpApp, listenHttp } from "./http-server.ts";
import { toWebStream } from "./web-stream.ts";

const PIECE_BYTES = 64 << 10;
const STALLED_MS = 200;
const BOUNDED = { timeout: 10_000 };

/** A server that sends as much as is taken; `gone` comes when it knows that nobody reads. */
async function endlessServer(pieces: number) {
  const seen = { sentBytes: 0 };
  let end: () => void = () => undefined;
  const gone = new Promise<void>((resolve) => {
    end = resolve;
  });
  async function* body(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    signal.addEventListener("abort", end);
    for (let piece = 0; piece < pieces && !signal.aborted; piece++) {
      seen.sentBytes += PIECE_BYTES;
      yield Buffer.alloc(PIECE_BYTES);
    }
    if (!signal.aborted) await gone;
  }
  const dispatcher = {
    handle: async (req: Request) => new Response(toWebStream(body(req.signal))),
  };
  const options = { host: "127.0.0.1", port: 0, dispatcher, stalledMs: STALLED_MS };
  return { listener: await listenHttp(options), seen, gone };
}

async function open(address: string, path: string): Promise<IncomingMessage> {
  const asked = httpRequest(`http://${address}${path}`, { agent: false }).end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  response.on("error", () => undefined);
  return response;
}

test(
  "an event stream that nobody reads is made no further, and ended after a while",
  BOUNDED,
  async () => {
    const { listener, seen, gone } = await endlessServer(10_000);
    try {
      const response = await open(listener.address, "/v1/event/stream");
      await gone;
      assert.ok(seen.sentBytes < 64 << 20, `${seen.sentBytes} bytes were made`);
      response.destroy();
    } finally {
      await listener.close();
    }
  },
);

test(
  "a reader who has read everything is not stalled, however long nothing comes",
  BOUNDED,
  async () => {
    const { listener, gone } = await endlessServer(1);
    let ended = false;
    void gone.then(() => {
      ended = true;
    });
    try {
      const response = await open(listener.address, "/v1/event/stream");
      response.resume();
      await delay(3 * STALLED_MS);
      assert.equal(ended, false);
      response.destroy();
      await gone;
    } finally {
      await listener.close();
    }
  },
);

test("without a socket, as tests ask it, the API answers all the same", async () => {
  const app = httpApp({ handle: async () => new Response("ok") });
  assert.equal(await (await app.request("/v1/event/stream")).text(), "ok");
});
