/** Exec between machines: the owner of the task is asked over node-to-node traffic. */
import { ApiError } from "@drover/api";
import { DroverError, errorText } from "@drover/base";
import type { ClientAgent } from "@drover/client";
import type { Server } from "@drover/server";
import {
  type ExecTaskReply,
  type ExecTaskRequest,
  type PeerPool,
  type Router,
  Rpc,
  type RpcStream,
} from "@drover/wire";
import { throughAny } from "../forward.ts";
import { findOwner } from "../owner.ts";
import { errorReply } from "../reply.ts";
import { type ExecFrame, type FrameChannel, runExec, startExec } from "./run-exec.ts";

const HOPS_MAX = 2;
const START_TIMEOUT_MS = 30_000;

export interface ExecDeps {
  readonly client: () => ClientAgent | null;
  readonly clientOpen: Promise<void>;
  readonly server: () => Server | null;
  readonly peers: PeerPool;
  readonly otherServers: () => readonly string[];
}

/** A program that runs, here or elsewhere. */
export type Running = (channel: FrameChannel) => Promise<void>;

/** Throws the status and text of what stands in the way. */
export async function openExec(deps: ExecDeps, request: ExecTaskRequest): Promise<Running> {
  const owner = await findOwner({ allocId: request.allocId }, deps);
  if (owner.kind === "here") {
    const session = await translated(startExec(owner.client, request));
    return (channel) => runExec(session, channel);
  }
  const addresses = owner.kind === "node" ? [owner.address] : deps.otherServers();
  return await throughAny(addresses, (address) => openElsewhere(deps.peers, address, request));
}

async function openElsewhere(
  peers: PeerPool,
  address: string,
  request: ExecTaskRequest,
): Promise<Running> {
  if (request.hops >= HOPS_MAX) {
    throw new ApiError("internal", "request was forwarded too often: retry");
  }
  const peer = await peers.get(address);
  const { head, stream } = await peer.open<ExecTaskRequest, ExecTaskReply>(
    Rpc.execTask,
    { ...request, hops: request.hops + 1 },
    { timeoutMs: START_TIMEOUT_MS },
  );
  if (head.error) {
    stream.end();
    throw Object.assign(new ApiError("internal", head.error.message), {
      status: head.error.status,
    });
  }
  return (channel) => relay(channel, streamChannel(stream), stream);
}

async function relay(caller: FrameChannel, owner: FrameChannel, stream: RpcStream): Promise<void> {
  const inwards = copy(caller, owner).finally(() => stream.end());
  await Promise.all([inwards, copy(owner, caller)]);
}

async function copy(from: FrameChannel, to: FrameChannel): Promise<void> {
  for await (const frame of from.frames) await to.send(frame);
}

/** Frames as lines of JSON. */
function streamChannel(stream: RpcStream): FrameChannel {
  return {
    send: (frame) => stream.write(Buffer.from(`${JSON.stringify(frame)}\n`)),
    frames: lines(stream.chunks),
  };
}

async function* lines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ExecFrame> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of chunks) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) yield JSON.parse(part) as ExecFrame;
  }
}

export function serveExecStreams(router: Router, deps: ExecDeps): void {
  router.handleStream(Rpc.execTask, async (payload, stream, _peer, reply) => {
    let running: Running;
    try {
      running = await openExec(deps, payload as ExecTaskRequest);
    } catch (error) {
      const { status = 500 } = errorReply(error);
      reply({ error: { status, message: errorText(error) } } satisfies ExecTaskReply);
      return;
    }
    reply({ error: null } satisfies ExecTaskReply);
    await running(streamChannel(stream));
  });
}

const STATUS: Readonly<Record<string, string>> = {
  "unknown-alloc": "not-found",
  "unknown-task": "bad-request",
  "not-started": "not-found",
};

async function translated<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof DroverError)) throw error;
    throw new ApiError(STATUS[error.code] ?? "internal", error.message);
  }
}
