import assert from "node:assert/strict";
import test from "node:test";
import type { AgentInfo } from "../../agent-info.ts";
import type { RequestContext } from "../handler.ts";
import { parseQuery } from "../query.ts";
import { agentMonitor } from "./agent-monitor.ts";

test("a reader of the log that is too slow is told how many lines it lost", async () => {
  const abort = new AbortController();
  let write: (line: string) => void = () => undefined;
  const listenLog = (_level: string, fn: (line: string) => void) => {
    write = fn;
    return () => undefined;
  };
  const query = parseQuery(new URLSearchParams("plain=true"), { held: false });
  const context = { query, signal: abort.signal } as RequestContext;
  const { stream } = await agentMonitor.run(context, { listenLog } as unknown as AgentInfo);
  const chunks = stream?.chunks[Symbol.asyncIterator]();
  const coming = chunks?.next();
  for (let line = 1; line <= 600; line++) write(`line ${line}\n`);
  const text = Buffer.from((await coming)?.value ?? "").toString();
  assert.match(text, /^\[WARN\] 88 lines were lost: the reader is too slow\nline 89\n/);
  assert.match(text, /line 600\n$/);
  abort.abort();
});
