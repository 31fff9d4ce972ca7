import assert from "node:assert/strict";
import test from "node:test";
import type { Server } from "@drover/server";
import type { RequestContext } from "../handler.ts";
import { parseQuery } from "../query.ts";
import { createHandlers } from "./index.ts";

/** Stops a job with these parameters; a command that gets as far as being proposed is a mistake. */
async function stop(query: string): Promise<unknown> {
  const handler = createHandlers("global").jobDelete;
  assert.ok(handler?.kind === "write");
  const context = {
    params: { id: "web" },
    query: parseQuery(new URLSearchParams(query)),
    token: "",
  };
  const propose = () => assert.fail("it was proposed");
  const server = { propose, snapshot: propose, newId: propose };
  return await handler.run(context as unknown as RequestContext, server as unknown as Server);
}

test("a job is not stopped by a request of which a part cannot be read", async () => {
  const bool = 'as a bool: strconv.ParseBool: parsing "x": invalid syntax';
  for (const name of ["purge", "global", "no_shutdown_delay"]) {
    const message = `Failed to parse value of "${name}" (x) ${bool}`;
    await assert.rejects(stop(`${name}=x`), { message, status: 500 });
  }
  await assert.rejects(stop("eval_priority=x"), { message: /^Failed to parse value of "eval_pri/ });
  for (const priority of ["-1", "101"]) {
    await assert.rejects(stop(`eval_priority=${priority}`), {
      message: "evaluation priority must be between 1 and 100 inclusively",
      status: 400,
    });
  }
});
