/**
 * `/v1/event/stream`: newline-delimited JSON of what happened (spec chapter 8 §8.10). A reader holds
 * a position in the server's ring and one piece of text, however slow it is. What is no event has
 * neither `Events` nor `Index`, so that Nomad's clients take it for a heartbeat: `{}`; `{"Gap":
 * {"From","To"}}` for indexes that are not here; `{"Error","ResumeIndex"}`, the last line of a reader
 * that was cut off.
 */
import { setImmediate } from "node:timers/promises";
import { badRequest } from "@drover/api";
import type { EventEntry, EventRead, Server } from "@drover/server";
import type { StateEvent } from "@drover/state";
import { eventPayloadToWire } from "../event-payload.ts";
import type { RequestContext, StreamHandler } from "../handler.ts";

const HEARTBEAT_MS = 30_000;
/** Text longer than this is sent, and the event loop let go, before more is made. */
const PIECE_CHARS = 64 << 10;
const TOO_SLOW = "reader too slow: what comes next is not kept any more, resume from ResumeIndex";

type Filter = (event: StateEvent) => boolean;

export const eventStream: StreamHandler = {
  kind: "stream",
  async run(context, server) {
    const from = parseIndex(context.query.all.get("index"));
    return {
      stream: { chunks: follow(context, server, from), contentType: "application/json" },
      headers: { "Cache-Control": "no-cache" },
    };
  },
};

function parseIndex(text: string | null): number {
  if (text === null || text === "") return 0;
  if (!/^-?\d+$/.test(text)) {
    throw badRequest(
      `Unable to parse index: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
  }
  return Number(text);
}

/** `topic=Job:web` (repeatable); without one, everything. */
function topicFilter(context: RequestContext): Filter {
  const topics = context.query.all.getAll("topic").map((text) => {
    const colon = text.indexOf(":");
    return colon < 0
      ? { topic: text, key: "*" }
      : { topic: text.slice(0, colon), key: text.slice(colon + 1) };
  });
  const { namespace } = context.query;
  return (event) => {
    if (event.namespace !== "" && namespace !== "*" && event.namespace !== namespace) return false;
    if (topics.length === 0) return true;
    return topics.some(
      ({ topic, key }) =>
        (topic === "*" || topic === event.topic) &&
        (key === "*" || key === event.key || event.filterKeys.includes(key)),
    );
  };
}

async function* follow(
  context: RequestContext,
  server: Server,
  from: number,
): AsyncGenerator<Uint8Array> {
  const filter = topicFilter(context);
  const { signal } = context;
  const reader = server.events.reader(from);
  let text = line({});
  while (!signal.aborted) {
    const read = reader.next();
    for (const part of textOf(read, filter)) {
      text += part;
      if (text.length < PIECE_CHARS) continue;
      yield Buffer.from(text);
      text = "";
      await setImmediate();
      if (signal.aborted) return;
    }
    if (read.kind === "entry" || read.kind === "gap") continue;
    if (text !== "") yield Buffer.from(text);
    if (read.kind === "overtaken") return;
    // What came while the text was on its way was told to nobody: look again before waiting.
    const more = text !== "" || (await moreToRead(server, signal));
    text = more ? "" : line({});
  }
}

/** True when there may be more or the reader has gone, false when it is time for a heartbeat. */
async function moreToRead(server: Server, signal: AbortSignal): Promise<boolean> {
  return await new Promise((resolve) => {
    const done = (more: boolean) => {
      cancelTimer();
      cancelMore();
      signal.removeEventListener("abort", woken);
      resolve(more);
    };
    const woken = () => done(true);
    const cancelMore = server.events.onMore(woken);
    const cancelTimer = server.clock.setTimer(server.clock.now() + HEARTBEAT_MS, () => done(false));
    signal.addEventListener("abort", woken);
  });
}

/** In parts, since one entry may have thousands of events. */
function* textOf(read: EventRead, filter: Filter): Generator<string> {
  if (read.kind === "gap") yield line({ Gap: { From: read.from, To: read.to } });
  if (read.kind === "overtaken") yield line({ Error: TOO_SLOW, ResumeIndex: read.resumeIndex });
  if (read.kind === "entry") yield* entryText(read.entry, filter);
}

function* entryText(entry: EventEntry, filter: Filter): Generator<string> {
  let begun = false;
  for (const event of entry.events) {
    if (!filter(event)) continue;
    yield `${begun ? "," : '{"Events":['}${JSON.stringify(eventDoc(event))}`;
    begun = true;
  }
  if (begun) yield `],"Index":${entry.index}}\n`;
}

function eventDoc(event: StateEvent): Record<string, unknown> {
  return {
    FilterKeys: event.filterKeys.length > 0 ? event.filterKeys : null,
    Index: event.index,
    Key: event.key,
    Namespace: event.namespace,
    Payload: eventPayloadToWire(event),
    Topic: event.topic,
    Type: event.type,
  };
}

function line(doc: Record<string, unknown>): string {
  return `${JSON.stringify(doc)}\n`;
}
