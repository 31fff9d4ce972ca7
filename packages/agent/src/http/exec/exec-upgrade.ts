/** The WebSocket of `/v1/client/allocation/:id/exec` (spec chapter 8 §8.3). */
import type { IncomingMessage, Server as NodeServer } from "node:http";
import type { Duplex } from "node:stream";
import { badRequest, matchEndpoint } from "@drover/api";
import { errorText } from "@drover/base";
import type { Log } from "@drover/server";
import { acceptWebSocket, type ExecTaskRequest, type TextSocket } from "@drover/wire";
import { parseFlag } from "../query.ts";
import { errorReply } from "../reply.ts";
import { checkUuid } from "../uuid-prefix.ts";
import { type ExecDeps, openExec } from "./exec-stream.ts";
import type { ExecFrame, FrameChannel } from "./run-exec.ts";

const CLOSE_DONE = 1000;
const CLOSE_REFUSED = 1008;
const CLOSE_FAILED = 1011;

export interface UpgradeDeps extends ExecDeps {
  readonly log: Log;
}

export function serveExecUpgrades(node: NodeServer, deps: UpgradeDeps): void {
  node.on("upgrade", (request, socket, head) => {
    // Nobody else listens for errors of a socket before it is a WebSocket.
    socket.on("error", () => socket.destroy());
    upgrade(request, socket, head, deps).catch((error: unknown) => {
      deps.log("warn", "exec failed", { error: errorText(error) });
      socket.destroy();
    });
  });
}

async function upgrade(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  deps: UpgradeDeps,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://local");
  const match = matchEndpoint("GET", url.pathname);
  if (match.kind !== "found" || match.name !== "clientAllocExec") {
    socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    return;
  }
  const accepted = await acceptWebSocket(request, socket, head);
  try {
    const exec = readRequest(match.params.id ?? "", url.searchParams);
    if (parseFlag(url.searchParams, "ws_handshake")) await handshake(accepted);
    const running = await openExec(deps, exec);
    await running(channelOf(accepted));
    accepted.close(CLOSE_DONE, "");
  } catch (error) {
    const code = errorReply(error).status === 500 ? CLOSE_FAILED : CLOSE_REFUSED;
    accepted.close(code, errorText(error));
  }
}

function readRequest(id: string, params: URLSearchParams): ExecTaskRequest {
  const task = params.get("task") ?? "";
  if (task === "") throw badRequest("missing task name");
  return {
    allocId: checkUuid("alloc", id),
    task,
    command: readCommand(params.get("command") ?? ""),
    tty: parseFlag(params, "tty"),
    hops: 0,
  };
}

function readCommand(text: string): string[] {
  let command: unknown;
  try {
    command = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw badRequest("command must be a JSON list of strings");
  }
  if (!isTexts(command) || command.length === 0) throw badRequest("missing command");
  return command;
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((part) => typeof part === "string");
}

/** Browsers cannot set headers, so their token comes as the first message. */
async function handshake(socket: TextSocket): Promise<void> {
  for await (const _message of socket.messages) break;
  await socket.send("{}");
}

function channelOf(socket: TextSocket): FrameChannel {
  return { send: (frame) => socket.send(JSON.stringify(frame)), frames: parsed(socket) };
}

async function* parsed(socket: TextSocket): AsyncGenerator<ExecFrame> {
  for await (const text of socket.messages) {
    const frame = JSON.parse(text) as unknown;
    if (typeof frame === "object" && frame !== null) yield frame as ExecFrame;
  }
}
