/**
 * Held queries (spec chapter 8 §8.1): the answer waits until its index is above the asked one or
 * the time is over, and is then the current one.
 */
import type { Server } from "@drover/server";
import type { StateSnapshot, TableName } from "@drover/state";
import type { ReadContext, ReadHandler, ReadResult, RequestContext } from "./handler.ts";

export async function runRead(
  handler: ReadHandler,
  context: RequestContext,
  server: Server,
): Promise<ReadResult> {
  const body = handler.withBody ? await context.json() : undefined;
  return await held(handler.tables, { context, server }, (snapshot) => {
    const result = handler.run({ ...context, snapshot, body } satisfies ReadContext);
    return { index: result.index, answer: async () => result };
  });
}

/** What a snapshot would answer: the answer itself may cost more than its index. */
interface Look {
  readonly index: number;
  answer(): Promise<ReadResult>;
}

/** Looks again whenever one of `tables` changes; what is not newer than asked is not answered. */
export async function held(
  tables: readonly TableName[],
  { context, server }: { readonly context: RequestContext; readonly server: Server },
  look: (snapshot: StateSnapshot) => Look,
): Promise<ReadResult> {
  if (!context.query.stale) await server.barrier();
  const deadline = server.wall.now() + context.query.waitMs;
  for (;;) {
    const snapshot = server.snapshot();
    const looked = look(snapshot);
    if (context.query.index === 0 || looked.index > context.query.index) {
      return await looked.answer();
    }
    const changed = await server.changed(tables, snapshot, { deadline, signal: context.signal });
    server.mustServe();
    // Nobody reads it, and it may cost.
    if (context.signal.aborted) return { json: null, index: looked.index };
    if (!changed) return await look(server.snapshot()).answer();
  }
}
