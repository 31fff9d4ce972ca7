import assert from "node:assert/strict";
import test from "node:test";
import type { ClientAgent } from "@drover/client";
import type { AgentInfoParts } from "./agent-info-impl.ts";
import { createAgentInfo } from "./agent-info-impl.ts";
import { defaultConfig } from "./config/config.ts";
import type { RequestContext } from "./http/handler.ts";
import { agentLocals } from "./http/handlers/agent-locals.ts";

const SERVER = "10.0.0.1:4647";

/** A machine with a server and a client; `leader`: as its own Raft sees it, "" = none. */
function machine(state: { readonly isOutside: boolean; readonly leader: string }) {
  const parts = {
    raft: null,
    server: null,
    engine: { leadership: () => ({ leaderAddress: state.leader }) },
    cluster: {
      isOutside: state.isOutside,
      quarantine: "",
      members: async () => [{ rpcAddr: SERVER, leader: true, alive: true, server: true }],
    },
    rpcAddress: "10.0.0.9:4647",
    client: () => ({ connected: true }) as ClientAgent,
  } as unknown as AgentInfoParts;
  return createAgentInfo(defaultConfig(), parts);
}

async function ask(
  agent: ReturnType<typeof machine>,
  name: "agentHealth" | "statusLeader",
  q = "",
) {
  const context = { query: { all: new URLSearchParams(q) } } as unknown as RequestContext;
  const { json, status = 200 } = await agentLocals[name].run(context, agent);
  return { status, json };
}

test("a machine beside Raft is healthy without a server, and knows the leader from its members", async () => {
  const beside = machine({ isOutside: true, leader: "" });
  const ok = { message: "ok", ok: true };
  assert.deepEqual(await ask(beside, "agentHealth"), { status: 200, json: { client: ok } });
  assert.deepEqual(await ask(beside, "agentHealth", "type=server"), { status: 200, json: {} });
  assert.deepEqual(await ask(beside, "statusLeader"), { status: 200, json: SERVER });
});

test("a server without a leader is not healthy, one with a leader is", async () => {
  const lost = await ask(machine({ isOutside: false, leader: "" }), "agentHealth");
  assert.deepEqual(lost, {
    status: 500,
    json: { client: { message: "ok", ok: true }, server: { message: "no leader", ok: false } },
  });
  const led = await ask(machine({ isOutside: false, leader: SERVER }), "agentHealth");
  assert.equal(led.status, 200);
});
