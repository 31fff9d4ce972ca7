/** The server's end of a WebSocket that carries text messages, for the local API's upgrades. */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type RawData, type WebSocket, WebSocketServer } from "ws";

const MESSAGE_BYTES_MAX = 4 << 20;
/** A close frame holds 125 bytes, two of which are the code. */
const REASON_BYTES_MAX = 123;
/** A caller that does not take what we write is not written to any further. */
const BUFFERED_MAX = 1 << 20;

export interface TextSocket {
  /** Resolves when the message was handed to the network: awaiting it is the back-pressure. */
  send(text: string): Promise<void>;
  /** Ends when the caller went away. */
  readonly messages: AsyncIterable<string>;
  /** `reason` is cut to what a close frame holds. */
  close(code: number, reason: string): void;
}

const acceptor = new WebSocketServer({
  noServer: true,
  perMessageDeflate: false,
  maxPayload: MESSAGE_BYTES_MAX,
});

/** Answers an upgrade request; a request that is no WebSocket handshake is refused by `ws`. */
export function acceptWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<TextSocket> {
  return new Promise((resolve) => {
    acceptor.handleUpgrade(request, socket, head, (accepted) => resolve(textSocket(accepted)));
  });
}

function textSocket(socket: WebSocket): TextSocket {
  const inbox: string[] = [];
  let closed = false;
  let wake: (() => void) | null = null;
  socket.on("message", (data: RawData) => {
    inbox.push(String(data));
    wake?.();
  });
  const gone = () => {
    closed = true;
    wake?.();
  };
  socket.on("close", gone);
  // Whatever went wrong, a close follows.
  socket.on("error", gone);
  return {
    send: (text) => sendText(socket, text),
    messages: {
      async *[Symbol.asyncIterator]() {
        for (;;) {
          const next = inbox.shift();
          if (next !== undefined) yield next;
          else if (closed) return;
          else {
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
            wake = null;
          }
        }
      },
    },
    close: (code, reason) => socket.close(code, cut(reason)),
  };
}

function sendText(socket: WebSocket, text: string): Promise<void> {
  if (socket.readyState !== socket.OPEN) return Promise.resolve();
  return new Promise((resolve) => {
    // A failed write ends in a close; the loop over `messages` sees it.
    socket.send(text, () => resolve());
    if (socket.bufferedAmount < BUFFERED_MAX) resolve();
  });
}

function cut(reason: string): string {
  let text = reason;
  while (Buffer.byteLength(text) > REASON_BYTES_MAX) text = text.slice(0, -1);
  return text;
}
