/**
 * A snapshot on a connection of its own: greeting, head (message and meta), chunks, an empty frame
 * with nothing behind it, then one answer: `{"ok":true}` or `{"ok":false,"error":…}`. The sender
 * waits for the socket to drain, the receiver stops reading while the disk is behind. An answer may
 * come before the end: whoever does not want the rest says so at once.
 *
 * Where both sides named their life in the greeting the receiver says first, after the head, from
 * which byte on it wants it: `{"from":0}`, or more where an earlier connection broke.
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
  const answers = new Mailbox<Uint8Array>();
  const ready = new Mailbox<null>();
  const link = dial({
    ready: () => ready.put(null),
    frame: (data) => answers.put(data),
    closed: (reason) => {
      ready.fail(new Error(reason));
      answers.fail(new Error(reason));
    },
  });
  try {
    await ready.take();
    await sendFrame(link, encodeSnapshotHead(message, meta));
    const first = link.peerLife === "" ? { from: 0 } : readReply(await answers.take());
    const { from } = first;
    if (from !== undefined) await sendRest(link, skip(source, from), answers);
    checkReply(from === undefined ? first : readReply(await answers.take()));
    link.close(CloseCode.goingAway, "done");
  } catch (error) {
    link.terminate("snapshot given up");
    throw error;
  }
}

/** Until the end, or an answer that comes before. */
async function sendRest(
  link: Link,
  source: AsyncIterable<Uint8Array>,
  answers: Mailbox<Uint8Array>,
): Promise<void> {
  const answered = answers.arrival();
  for await (const chunk of source) {
    if (chunk.length > 0) await Promise.race([sendFrame(link, chunk), answered]);
    if (answers.hasNews) return;
  }
  await sendFrame(link, new Uint8Array(0));
}

async function* skip(source: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Uint8Array> {
  let left = bytes;
  for await (const chunk of source) {
    const known = Math.min(left, chunk.length);
    left -= known;
    if (known < chunk.length) yield chunk.subarray(known);
  }
}

function sendFrame(link: Link, frame: Uint8Array): Promise<void> {
  return withStallLimit(
    new Promise((resolve, reject) => {
      link.send(frame, (error) => (error ? reject(error) : resolve()));
    }),
  );
}

interface Reply {
  readonly ok?: boolean;
  readonly error?: string;
  /** The first reply, where the receiver wants the rest. */
  readonly from?: number;
}

function readReply(frame: Uint8Array): Reply {
  const reply = JSON.parse(new TextDecoder().decode(frame)) as Reply | null;
  const { from = 0 } = reply ?? {};
  if (!Number.isSafeInteger(from) || from < 0) throw new Error(`the peer begins at byte ${from}`);
  return reply ?? {};
}

function checkReply({ ok, error }: Reply): void {
  if (ok !== true) throw new Error(`the peer refused: ${error ?? "no reason given"}`);
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
    const { peerId = "", peerLife = "" } = this.#link ?? {};
    if (message.from !== peerId) throw new CodecError(`a message in the name of ${message.from}`);
    // As long as it lives what it has under one name stays the same.
    const id = peerLife === "" ? "" : `${peerId} ${peerLife}`;
    const from = (offset: number) => this.#chunks(id === "" ? null : offset);
    await this.#handler.receiveSnapshot(message, meta, { id, from });
  }

  async *#chunks(from: number | null): AsyncGenerator<Uint8Array> {
    if (from !== null) this.#tell({ from });
    for (;;) {
      const chunk = await this.#frames.take();
      if (this.#frames.length < PAUSE_CHUNKS / 2) this.#link?.socket.resume();
      if (chunk.length === 0) return;
      yield chunk;
    }
  }

  #answer(reply: Reply): void {
    this.#answered = true;
    this.#tell(reply);
  }

  #tell(reply: Reply): void {
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

  /** Something to take, or a failure. */
  get hasNews(): boolean {
    return this.#items.length > 0 || this.#error !== null;
  }

  /** Resolves when there is news; nobody may be taking meanwhile. */
  arrival(): Promise<void> {
    if (this.hasNews) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
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
