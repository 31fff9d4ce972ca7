/**
 * Held queries (spec chapter 8 §8.1): the answer waits until its index is above the asked one or
 * the time is over, and is then the current one.
 */
import type { Server } from "@drover/server";
import type { ReadContext, ReadHandler, ReadResult, RequestContext } from "./handler.ts";

export async function runRead(
  handler: ReadHandler,
  context: RequestContext,
  server: Server,
): Promise<ReadResult> {
  const body = handler.withBody ? await context.json() : undefined;
  if (!context.query.stale) await server.barrier();
  const deadline = server.clock.now() + context.query.waitMs;
  for (;;) {
    const snapshot = server.snapshot();
    const result = handler.run({ ...context, snapshot, body } satisfies ReadContext);
    if (context.query.index === 0 || result.index > context.query.index) return result;
    const changed = await server.changed(handler.tables, snapshot, {
      deadline,
      signal: context.signal,
    });
    if (!changed) return handler.run({ ...context, snapshot: server.snapshot(), body });
  }
}
