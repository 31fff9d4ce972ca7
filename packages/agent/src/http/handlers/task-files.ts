/** Files and logs of a task, from the machine that runs it (spec chapter 8 §8.3). */
import { badRequest } from "@drover/api";
import { DroverError } from "@drover/base";
import type { FileInfo, Frame } from "@drover/client";
import type { NodeHandler, RequestContext } from "../handler.ts";
import { booleanParam } from "../query.ts";
import type { Reply } from "../reply.ts";
import { idOf, ofAlloc } from "./on-owner.ts";

const HEARTBEAT_MS = 1_000;
const EMPTY_FRAME = Buffer.from("{}");

function fileDoc(info: FileInfo): Record<string, unknown> {
  return {
    ...(info.contentType === "" ? {} : { ContentType: info.contentType }),
    FileMode: info.fileMode,
    IsDir: info.isDir,
    ModTime: new Date(info.modTime).toISOString(),
    Name: info.name,
    Size: info.size,
  };
}

function pathOf(context: RequestContext): string {
  return context.query.all.get("path") || "/";
}

const list = ofAlloc(async (context, client) => {
  const infos = await client.fs.ls(idOf(context), pathOf(context));
  return { json: infos.map(fileDoc) };
});

const stat = ofAlloc(async (context, client) => ({
  json: fileDoc(await client.fs.stat(idOf(context), pathOf(context))),
}));

const RAW_HEADERS = {
  "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
  "X-Content-Type-Options": "nosniff",
  "X-Xss-Protection": "1; mode=block",
};

/** A missing file answers 200 with the error as body, as clients of this call expect. */
async function raw(chunks: () => AsyncIterable<Buffer>): Promise<Reply> {
  try {
    const first = chunks()[Symbol.asyncIterator]();
    const head = await first.next();
    const rest = async function* () {
      if (!head.done) yield head.value;
      for (let next = await first.next(); !next.done; next = await first.next()) yield next.value;
    };
    const contentType = "text/plain; charset=utf-8";
    return { stream: { chunks: rest(), contentType }, headers: RAW_HEADERS };
  } catch (error) {
    if (!(error instanceof DroverError) || error.code !== "not-found") throw error;
    const contentType = "text/plain; charset=utf-8";
    return { text: { body: error.message, contentType }, headers: RAW_HEADERS };
  }
}

const cat = ofAlloc((context, client) => {
  const path = pathOf(context);
  return raw(() => client.fs.cat(idOf(context), path));
});

const readAt = ofAlloc(async (context, client) => {
  const offset = context.query.all.get("offset") ?? "";
  if (!/^-?\d+$/.test(offset)) {
    const body = `error parsing offset: strconv.ParseInt: parsing ${JSON.stringify(offset)}: invalid syntax`;
    return { text: { body, contentType: "text/plain; charset=utf-8" }, headers: RAW_HEADERS };
  }
  const asked = Number(context.query.all.get("limit") || -1);
  const limit = asked < 0 ? Number.POSITIVE_INFINITY : asked;
  const path = pathOf(context);
  const range = { offset: Number(offset), limit };
  return await raw(() => client.fs.readAt(idOf(context), path, range));
});

function originOf(context: RequestContext): "start" | "end" {
  const origin = context.query.all.get("origin") || "start";
  if (origin !== "start" && origin !== "end") throw badRequest("origin must be start or end");
  return origin;
}

function offsetOf(context: RequestContext): number {
  const text = context.query.all.get("offset") || "0";
  if (/^[-+]?\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw badRequest(
    `error parsing offset: strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`,
  );
}

function followOf(context: RequestContext, fallback: boolean): boolean {
  const refusal = (reason: string) =>
    badRequest(`failed to parse follow field to boolean: ${reason}`);
  return booleanParam(context.query.all, "follow", refusal) ?? fallback;
}

function streamOptions(context: RequestContext, follow: boolean) {
  return {
    offset: offsetOf(context),
    origin: originOf(context),
    follow,
    signal: context.signal,
  };
}

/** Concatenated JSON frames; `{}` every second while nothing comes. */
async function* framed(frames: AsyncIterable<Frame>, follow: boolean): AsyncGenerator<Buffer> {
  const iterator = frames[Symbol.asyncIterator]();
  let pending = iterator.next();
  try {
    for (;;) {
      const next = follow ? await orIdle(pending, HEARTBEAT_MS) : await pending;
      if (next === null) {
        yield EMPTY_FRAME;
        continue;
      }
      if (next.done) return;
      yield Buffer.from(JSON.stringify(frameDoc(next.value)));
      pending = iterator.next();
    }
  } finally {
    await iterator.return?.(undefined);
  }
}

async function orIdle<T>(promise: Promise<T>, ms: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const idle = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), ms);
  });
  try {
    return await Promise.race([promise, idle]);
  } finally {
    clearTimeout(timer);
  }
}

function frameDoc(frame: Frame): Record<string, unknown> {
  return {
    ...(frame.data.length > 0 ? { Data: frame.data.toString("base64") } : {}),
    File: frame.file,
    ...(frame.fileEvent === "" ? {} : { FileEvent: frame.fileEvent }),
    Offset: frame.offset,
  };
}

async function* plainText(frames: AsyncIterable<Frame>): AsyncGenerator<Buffer> {
  for await (const frame of frames) yield frame.data;
}

const stream = ofAlloc(async (context, client) => {
  const path = context.query.all.get("path");
  if (!path) throw badRequest("must provide a file name");
  const follow = followOf(context, true);
  const frames = client.fs.stream(idOf(context), path, streamOptions(context, follow));
  const contentType = "text/plain; charset=utf-8";
  return { stream: { chunks: framed(await primed(frames), follow), contentType } };
});

function logSource(context: RequestContext): { task: string; type: "stdout" | "stderr" } {
  const { all } = context.query;
  const task = all.get("task") ?? "";
  if (task === "") throw badRequest("must provide task name");
  const type = all.get("type");
  if (type !== "stdout" && type !== "stderr") {
    throw badRequest("must provide log type (stdout/stderr)");
  }
  return { task, type };
}

const readLogs = ofAlloc(async (context, client) => {
  const { all } = context.query;
  const source = logSource(context);
  const follow = followOf(context, false);
  const frames = await primed(
    client.fs.logs(idOf(context), source, streamOptions(context, follow)),
  );
  if (booleanParam(all, "plain")) {
    return { stream: { chunks: plainText(frames), contentType: "text/plain" } };
  }
  return { stream: { chunks: framed(frames, follow), contentType: "application/json" } };
});

/** What is asked for is looked at before whose it is. */
const logs: NodeHandler = {
  ...readLogs,
  owner(context) {
    logSource(context);
    return readLogs.owner(context);
  },
};

/** Starts reading, so that an error becomes a status and not a broken body. */
async function primed<T>(source: AsyncIterable<T>): Promise<AsyncIterable<T>> {
  const iterator = source[Symbol.asyncIterator]();
  let first: IteratorResult<T> | null = null;
  let settled = false;
  const head = iterator.next().then((result) => {
    first = result;
    settled = true;
    return result;
  });
  await Promise.race([head, new Promise((resolve) => setTimeout(resolve, 50))]);
  return {
    async *[Symbol.asyncIterator]() {
      try {
        const begin = settled ? (first as IteratorResult<T> | null) : await head;
        if (begin && !begin.done) yield begin.value;
        for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
          yield next.value;
        }
      } finally {
        await iterator.return?.();
      }
    },
  };
}

export const taskFileHandlers = {
  fsList: list,
  fsStat: stat,
  fsCat: cat,
  fsReadAt: readAt,
  fsStream: stream,
  fsLogs: logs,
} as const;
