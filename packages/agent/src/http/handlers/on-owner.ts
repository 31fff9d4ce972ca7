/** Handlers that run on the machine which owns what the request names (spec chapter 8 §8.3). */
import { ApiError } from "@drover/api";
import { DroverError } from "@drover/base";
import type { NodeHandler, RequestContext } from "../handler.ts";
import type { Reply } from "../reply.ts";
import { checkUuid } from "../uuid-prefix.ts";

type Run = NodeHandler["run"];

export function ofAlloc(run: Run): NodeHandler {
  return {
    kind: "node",
    owner: (context) => ({ allocId: checkUuid("alloc", context.params.id ?? "") }),
    run: (context, client) => translated(run(context, client)),
  };
}

export function ofNode(run: Run): NodeHandler {
  return {
    kind: "node",
    owner: (context) => ({ nodeId: context.query.all.get("node_id") ?? "" }),
    run: (context, client) => translated(run(context, client)),
  };
}

const STATUS: Readonly<Record<string, string>> = {
  "unknown-alloc": "not-found",
  "not-found": "not-found",
  "not-started": "not-found",
  "unknown-task": "bad-request",
};

/** The client's errors carry their text; only the status is the API's. */
async function translated(answer: Promise<Reply>): Promise<Reply> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof DroverError)) throw error;
    throw new ApiError(STATUS[error.code] ?? "internal", error.message);
  }
}

export function idOf(context: RequestContext): string {
  return context.params.id ?? "";
}
