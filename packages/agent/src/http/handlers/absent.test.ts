import assert from "node:assert/strict";
import test from "node:test";
import type { Server } from "@drover/server";
import type { RequestContext } from "../handler.ts";
import { absentHandlers } from "./absent.ts";

test("who paused the broker to delete evaluations is not told to pause it", async () => {
  const server = (pauseEvalBroker: boolean) =>
    ({ snapshot: () => ({ schedulerConfig: () => ({ pauseEvalBroker }) }) }) as unknown as Server;
  const refusal = (isPaused: boolean) =>
    absentHandlers.evalDelete.run({} as RequestContext, server(isPaused));
  await assert.rejects(refusal(false), /eval broker must be paused/);
  await assert.rejects(refusal(true), /collected once they have ended, and not deleted by hand/);
});
