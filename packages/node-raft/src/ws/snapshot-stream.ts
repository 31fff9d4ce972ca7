/**
 * A snapshot on a connection of its own: greeting, head (message and meta), chunks, an empty frame
 * with nothing behind it, then one answer: `{"ok":true}` or `{"ok":false,"error":…}`. The sender
 * waits for the socket to drain, the receiver stops reading while the disk is behind. An answer may
 * come before the end: whoever does not want the rest says so at once.
 */
import type { Message, SnapshotMeta } from "../core/types.ts";
import type { TransportHandler } from "../node/api.ts";
import { CodecError, decodeSnapshotHead, encodeSnapshotHead } from "./codec.ts";
import { CloseCode, type Link, type LinkEvents } from "./link.ts";

/** Without any progress the transfer is given up. */
const STALL_MS = 30_000;
const PAUSE_CHUNKS = 16;

/** Rejects when the peer refused, vanished or stalled. `dial` connects with the given events. */
export async function streamSnapshot(
  dial: (events: LinkEvents) => Link,
  message: Message,
  meta: SnapshotMeta,
  source: AsyncIterable<Uint8Array>,
): Promise<void> {
  const answer = new Mailbox<Uint8Array>();
  const ready = new Mailbox<null>();
  let stop = (): void => {};
  const answered = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const link = dial({
    ready: () => ready.put(null),
    frame: (data) => {
      answer.put(data);
      stop();
    },
    closed: (reason) => {
      ready.fail(new Error(reason));
      answer.fail(new Error(reason));
    },
  });
  try {
    await ready.take();
    await sendFrame(link, encodeSnapshotHead(message, meta));
    for await (const chunk of source) {
      if (chunk.length > 0) await Promise.race([sendFrame(link, chunk), answered]);
      if (answer.length > 0) break;
    }
    if (answer.length === 0) await sendFrame(link, new Uint8Array(0));
    const reply = await answer.take();
    checkReply(reply);
    link.close(CloseCode.goingAway, "done");
  } catch (error) {
    link.terminate("snapshot given up");
    throw error;
  }
}

function sendFrame(link: Link, frame: Uint8Array): Promise<void> {
  return withStallLimit(
    new Promise((resolve, reject) => {
      link.send(frame, (error) => (error ? reject(error) : resolve()));
    }),
  );
}

function checkReply(reply: Uint8Array): void {
  const value = JSON.parse(new TextDecoder().decode(reply)) as { ok?: boolean; error?: string };
  if (value.ok !== true) throw new Error(`the peer refused: ${value.error ?? "no reason given"}`);
}

/** The receiving side; give its events to the accepted link. */
export class SnapshotReceiver {
  readonly #handler: TransportHandler;
  readonly #frames = new Mailbox<Uint8Array>();
  #link: Link | null = null;
  #started = false;
  #answered = false;

  constructor(handler: TransportHandler) {
    this.#handler = handler;
  }

  attach(link: Link): void {
    this.#link = link;
  }

  frame(data: Uint8Array): void {
    // What was under way already.
    if (this.#answered) return;
    this.#frames.put(data);
    if (this.#frames.length > PAUSE_CHUNKS) this.#link?.socket.pause();
    if (this.#started) return;
    this.#started = true;
    this.#receive().then(
      () => this.#answer({ ok: true }),
      (error: unknown) => {
        if (error instanceof CodecError) this.#link?.close(CloseCode.badFrame, error.message);
        else this.#answer({ ok: false, error: String(error) });
      },
    );
  }

  closed(reason: string): void {
    this.#frames.fail(new Error(`the sender is gone: ${reason}`));
  }

  async #receive(): Promise<void> {
    const { message, meta } = decodeSnapshotHead(await this.#frames.take());
    if (message.from !== this.#link?.peerId) {
      throw new CodecError(`a message in the name of ${message.from}`);
    }
    await this.#handler.receiveSnapshot(message, meta, this.#chunks());
  }

  async *#chunks(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = await this.#frames.take();
      if (this.#frames.length < PAUSE_CHUNKS / 2) this.#link?.socket.resume();
      if (chunk.length === 0) return;
      yield chunk;
    }
  }

  #answer(reply: { ok: boolean; error?: string }): void {
    this.#answered = true;
    const link = this.#link;
    if (link === null || !link.ready) return;
    // Chunks may still be unread, and the sender waits until they are.
    link.socket.resume();
    link.send(new TextEncoder().encode(JSON.stringify(reply)));
  }
}

/** A queue with one reader, which waits at most `STALL_MS` for the next item. */
class Mailbox<T> {
  #items: T[] = [];
  #error: Error | null = null;
  #wake: (() => void) | null = null;

  get length(): number {
    return this.#items.length;
  }

  put(item: T): void {
    this.#items.push(item);
    this.#wake?.();
  }

  /** What was put before is still taken. */
  fail(error: Error): void {
    this.#error ??= error;
    this.#wake?.();
  }

  async take(): Promise<T> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) return item;
      if (this.#error !== null) throw this.#error;
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await withStallLimit(woken);
    }
  }
}

async function withStallLimit<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const stalled = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no progress in ${STALL_MS} ms`)), STALL_MS);
    timer.unref();
  });
  try {
    return await Promise.race([work, stalled]);
  } finally {
    clearTimeout(timer);
  }
}
