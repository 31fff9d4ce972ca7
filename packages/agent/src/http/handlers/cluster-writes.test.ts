import assert from "node:assert/strict";
import test from "node:test";
import { matchEndpoint } from "@drover/api";
import type { Server } from "@drover/server";
import type { RequestContext } from "../handler.ts";
import { createHandlers } from "./index.ts";

/** The namespaces that a request would register, through the handler that its path leads to. */
async function registered(path: string, body: unknown): Promise<string[]> {
  const match = matchEndpoint("PUT", path);
  assert.equal(match.kind, "found");
  assert.ok(match.kind === "found");
  const handler = createHandlers("global")[match.name];
  assert.ok(handler?.kind === "write");
  const names: string[] = [];
  const propose = async (command: {
    readonly namespaces: readonly { readonly name: string }[];
  }) => {
    names.push(...command.namespaces.map((namespace) => namespace.name));
    return { ok: true, index: 7 };
  };
  const context = { params: match.params, token: "", json: async () => body };
  await handler.run(context as unknown as RequestContext, { propose } as unknown as Server);
  return names;
}

test("a namespace is registered by the name in the body, or under its own path", async () => {
  assert.deepEqual(await registered("/v1/namespace", { Name: "team" }), ["team"]);
  assert.deepEqual(await registered("/v1/namespace/team", { Name: "team" }), ["team"]);
  assert.deepEqual(await registered("/v1/namespace/team", {}), ["team"]);
});

test("a namespace whose name cannot be a part of a path, or is not the path's, is refused", async () => {
  const refusals: readonly [path: string, body: unknown, message: RegExp, status: number][] = [
    [
      "/v1/namespace",
      { Name: "a/b" },
      /^Invalid namespace "a\/b": 1 error occurred:\n\t\* inv/,
      500,
    ],
    ["/v1/namespace", {}, /^Invalid namespace "": 1 error/, 500],
    ["/v1/namespace/team", { Name: "other" }, /^Namespace name does not match request path$/, 400],
  ];
  for (const [path, body, message, status] of refusals) {
    await assert.rejects(registered(path, body), { message, status });
  }
});
