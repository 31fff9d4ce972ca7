/** `/v1/event/stream`: newline-delimited JSON of what happened (spec chapter 8 §8.10). */
import { badRequest } from "@drover/api";
import type { Server } from "@drover/server";
import type { StateEvent } from "@drover/state";
import { eventPayloadToWire } from "../event-payload.ts";
import type { RequestContext, StreamHandler } from "../handler.ts";

const HEARTBEAT_MS = 30_000;
/** A reader further behind than this is cut off with a message, not served from our memory. */
const BACKLOG_MAX = 10_000;

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
  const backlog: { index: number; events: readonly StateEvent[] }[] = [];
  let overflow = false;
  let wake: (() => void) | null = null;
  const subscription = server.events.subscribe(from, (entry) => {
    const events = entry.events.filter(filter);
    if (events.length === 0) return;
    if (backlog.length >= BACKLOG_MAX) overflow = true;
    else backlog.push({ index: entry.index, events });
    wake?.();
  });
  const gone = () => wake?.();
  context.signal.addEventListener("abort", gone);
  try {
    yield line({});
    if (subscription.gap) yield line({ Gap: { From: from, To: subscription.firstIndex } });
    while (!context.signal.aborted) {
      const entry = backlog.shift();
      if (entry) {
        yield line({ Events: entry.events.map(eventDoc), Index: entry.index });
        continue;
      }
      if (overflow) {
        yield line({ Error: "reader too slow: events were lost, subscribe again" });
        return;
      }
      const woken = await new Promise<boolean>((resolve) => {
        const cancel = server.clock.setTimer(server.clock.now() + HEARTBEAT_MS, () =>
          resolve(false),
        );
        wake = () => {
          cancel();
          resolve(true);
        };
        if (backlog.length > 0 || context.signal.aborted) wake();
      });
      wake = null;
      if (!woken) yield line({});
    }
  } finally {
    subscription.cancel();
    context.signal.removeEventListener("abort", gone);
  }
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

function line(doc: Record<string, unknown>): Uint8Array {
  return Buffer.from(`${JSON.stringify(doc)}\n`);
}
