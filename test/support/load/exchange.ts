/** One request and its whole answer, once: what fails is not repeated. */
import { type Agent, type ClientRequest, type IncomingMessage, request } from "node:http";
import type { Socket } from "node:net";
import type { FailureKind } from "./report.ts";

const ANSWER_MS = 10_000;
let serial = 0;

export type Outcome =
  | {
      readonly kind: "answered";
      readonly instance: string;
      readonly stopping: boolean;
      readonly wasReused: boolean;
      readonly socket: Socket;
    }
  | {
      readonly kind: "failed";
      readonly failure: FailureKind;
      readonly wasReused: boolean;
      readonly detail: string;
    };

/** `agent` false: a connection of its own, closed with the answer. */
export function exchange(
  address: string,
  options: { readonly agent: Agent | false; readonly takesMs: number },
): Promise<Outcome> {
  const id = `${process.pid}-${++serial}`;
  const [host = "", port = ""] = address.split(":");
  const path = `/work?ms=${Math.round(options.takesMs)}&id=${id}`;
  return new Promise((resolve) => {
    const call = request({ host, port, path, agent: options.agent, timeout: ANSWER_MS });
    const fail = (error: NodeJS.ErrnoException) => resolve(failed(call, error));
    call.on("timeout", () => call.destroy(Object.assign(new Error("no answer"), { code: "TIME" })));
    call.on("error", fail);
    call.on("response", (answer) => {
      let text = "";
      // Once the answer has ended, the socket is not its any more.
      const { socket } = answer;
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => {
        text += chunk;
      });
      answer.on("error", fail);
      answer.on("end", () => resolve(judge(call, answer, { text, id, socket })));
    });
    call.end();
  });
}

function judge(
  call: ClientRequest,
  answer: IncomingMessage,
  { text, id, socket }: { readonly text: string; readonly id: string; readonly socket: Socket },
): Outcome {
  const wasReused = call.reusedSocket;
  if (answer.statusCode !== 200) {
    return { kind: "failed", failure: "status", wasReused, detail: String(answer.statusCode) };
  }
  if (text.trim() !== id) return { kind: "failed", failure: "wrong", wasReused, detail: text };
  const instance = String(answer.headers["x-instance"]);
  const stopping = answer.headers["x-stopping"] === "1";
  return { kind: "answered", instance, stopping, wasReused, socket };
}

const KINDS: Readonly<Record<string, FailureKind>> = { ECONNREFUSED: "refused", TIME: "timeout" };

function failed(call: ClientRequest, error: NodeJS.ErrnoException): Outcome {
  const failure = KINDS[error.code ?? ""] ?? "reset";
  return {
    kind: "failed",
    failure,
    wasReused: call.reusedSocket,
    detail: `${error.code ?? ""} ${error.message}`,
  };
}
