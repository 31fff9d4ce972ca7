import assert from "node:assert/strict";
import test from "node:test";
import { ApiError } from "@drover/api";
import type { ClientAgent } from "@drover/client";
import type { Server } from "@drover/server";
import { createGate } from "../gate.ts";
import { findOwner } from "./owner.ts";

const client = { nodeId: "n1", allocIds: ["a1"] } as unknown as ClientAgent;

const nodeOf: Readonly<Record<string, string>> = { a1: "n1", a2: "n2" };

/** A server that hears of allocations behind a barrier only. */
function serverBehind(): Server {
  let caughtUp = false;
  return {
    barrier: async () => {
      caughtUp = true;
    },
    snapshot: () => ({
      alloc: (id: string) => (caughtUp && nodeOf[id] ? { nodeId: nodeOf[id] } : undefined),
      node: () => ({ rpcAddr: "127.0.0.2:4647" }),
    }),
  } as unknown as Server;
}

test("nobody is asked before this agent's client is open: it may be the owner", async () => {
  let open: ClientAgent | null = null;
  const gate = createGate();
  // It would name this machine as another one to ask.
  const server = serverBehind();
  await server.barrier();
  const parts = { client: () => open, clientOpen: gate.opened, server: () => server };
  const owner = findOwner({ allocId: "a1" }, parts);
  open = client;
  gate.open();
  assert.deepEqual(await owner, { kind: "here", client });
});

test("what a server has not heard of yet is looked for behind a barrier", async () => {
  const server = serverBehind();
  const parts = { client: () => client, clientOpen: Promise.resolve(), server: () => server };
  const owner = await findOwner({ allocId: "a2" }, parts);
  assert.deepEqual(owner, { kind: "node", address: "127.0.0.2:4647" });
  await assert.rejects(
    findOwner({ allocId: "nope" }, parts),
    (error) => error instanceof ApiError && error.status === 404,
  );
});
