/** `/v1/agent/monitor`: the agent's log as it is written, in frames (spec chapter 8 §8.7). */
import { badRequest } from "@drover/api";
import type { AgentInfo } from "../../agent-info.ts";
import { LOG_LEVELS } from "../../logging.ts";
import type { LocalHandler } from "../handler.ts";

const HEARTBEAT_MS = 1_000;
/** A reader that is further behind loses the oldest lines, and is told how many. */
const BACKLOG_MAX = 512;

type Level = (typeof LOG_LEVELS)[number];

export const agentMonitor: LocalHandler = {
  kind: "local",
  async run(context, agent) {
    const { all } = context.query;
    const asked = (all.get("log_level") || "info").toLowerCase();
    const level = LOG_LEVELS.find((name) => name === (asked === "trace" ? "debug" : asked));
    if (!level) throw badRequest(`Unknown log level: ${asked}`);
    const plain = all.get("plain") === "true";
    const contentType = plain ? "text/plain" : "application/json";
    const chunks = monitor(agent, { level, plain, signal: context.signal });
    return { stream: { chunks, contentType } };
  },
};

async function* monitor(
  agent: AgentInfo,
  options: { readonly level: Level; readonly plain: boolean; readonly signal: AbortSignal },
): AsyncGenerator<Uint8Array> {
  const { level, plain, signal } = options;
  const backlog: string[] = [];
  let lost = 0;
  let wake: (() => void) | null = null;
  const stop = agent.listenLog(level, (line) => {
    backlog.push(line);
    if (backlog.length > BACKLOG_MAX) {
      backlog.shift();
      lost += 1;
    }
    wake?.();
  });
  const gone = () => wake?.();
  signal.addEventListener("abort", gone);
  try {
    while (!signal.aborted) {
      const missing = lost > 0 ? `[WARN] ${lost} lines were lost: the reader is too slow\n` : "";
      lost = 0;
      const text = missing + backlog.splice(0).join("");
      if (plain && text !== "") yield Buffer.from(text);
      if (!plain) yield frame(text);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, HEARTBEAT_MS);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
        if (backlog.length > 0 || signal.aborted) wake();
      });
      wake = null;
    }
  } finally {
    stop();
    signal.removeEventListener("abort", gone);
  }
}

/** `{}` keeps the line alive. */
function frame(text: string): Uint8Array {
  const doc = text === "" ? {} : { Data: Buffer.from(text).toString("base64") };
  return Buffer.from(JSON.stringify(doc));
}
