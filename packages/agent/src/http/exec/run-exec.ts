/**
 * A program inside a task, in frames both ways (spec chapter 8 §8.3, exec). The same frames travel
 * between the caller and the machine that was asked, and between that one and the task's.
 */
import type { ClientAgent } from "@drover/client";
import type { ExecTaskRequest } from "@drover/wire";

export type ExecFrame = Readonly<Record<string, unknown>>;

export interface FrameChannel {
  send(frame: ExecFrame): Promise<void>;
  /** Ends when the other side went away. */
  readonly frames: AsyncIterable<ExecFrame>;
}

type Session = Awaited<ReturnType<ClientAgent["exec"]>>;

/** Throws what the client says when the task is not there; nothing was sent then. */
export async function startExec(client: ClientAgent, request: ExecTaskRequest): Promise<Session> {
  const { allocId, task, command, tty } = request;
  return await client.exec(allocId, { task, command, tty });
}

/** Ends when the program has ended, or is closed because the caller went away. */
export async function runExec(session: Session, channel: FrameChannel): Promise<void> {
  // The caller closes once it has the exit code.
  const input = pumpInput(session, channel).finally(() => session.close());
  await Promise.all([input, pumpOutputs(session, channel)]);
}

async function pumpOutputs(session: Session, channel: FrameChannel): Promise<void> {
  await Promise.all([
    pumpOutput("stdout", session.stdout, channel),
    pumpOutput("stderr", session.stderr, channel),
  ]);
  const code = await session.exited;
  await channel.send({ exited: true, result: code === 0 ? {} : { exit_code: code } });
}

async function pumpOutput(
  name: "stdout" | "stderr",
  source: NodeJS.ReadableStream,
  channel: FrameChannel,
): Promise<void> {
  for await (const chunk of source) {
    await channel.send({ [name]: { data: Buffer.from(chunk).toString("base64") } });
  }
  await channel.send({ [name]: { close: true } });
}

async function pumpInput(session: Session, channel: FrameChannel): Promise<void> {
  for await (const frame of channel.frames) {
    const stdin = member(frame, "stdin");
    if (typeof stdin?.data === "string") session.stdin.write(Buffer.from(stdin.data, "base64"));
    if (stdin?.close === true) session.stdin.end();
    const size = member(frame, "tty_size");
    if (size) await session.resize(Number(size.height), Number(size.width));
  }
}

function member(frame: ExecFrame, name: string): Record<string, unknown> | null {
  const value = frame[name];
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
}
