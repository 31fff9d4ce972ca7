/** What only the machine that runs a task can answer (spec chapter 8 §8.3). */
import { ApiError, badRequest } from "@drover/api";
import { DroverError } from "@drover/base";
import type { AllocStats, ClientAgent, FileInfo, Frame } from "@drover/client";
import { Fields } from "../fields.ts";
import type { NodeHandler, RequestContext } from "../handler.ts";
import type { Reply } from "../reply.ts";
import { checkUuid } from "../uuid-prefix.ts";

const HEARTBEAT_MS = 1_000;
const EMPTY_FRAME = Buffer.from("{}");

type Run = NodeHandler["run"];

function ofAlloc(run: Run): NodeHandler {
  return {
    kind: "node",
    owner: (context) => ({ allocId: checkUuid("alloc", context.params.id ?? "") }),
    run: (context, client) => translated(run(context, client)),
  };
}

function ofNode(run: Run): NodeHandler {
  return {
    kind: "node",
    owner: (context) => ({ nodeId: context.query.all.get("node_id") ?? "" }),
    run: (context, client) => translated(run(context, client)),
  };
}

const STATUS: Readonly<Record<string, string>> = {
  "unknown-alloc": "not-found",
  "not-found": "not-found",
  "not-started": "not-found",
  "unknown-task": "bad-request",
};

/** The client's errors carry their text; only the status is the API's. */
async function translated(answer: Promise<Reply>): Promise<Reply> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof DroverError)) throw error;
    throw new ApiError(STATUS[error.code] ?? "internal", error.message);
  }
}

function idOf(context: RequestContext): string {
  return context.params.id ?? "";
}

const checks = ofAlloc(async (context, client) => {
  const results = client.allocChecks(idOf(context));
  if (results.length === 0) return { json: null };
  const json: Record<string, unknown> = {};
  for (const result of results) {
    json[result.id] = {
      Check: result.check,
      Group: groupOf(client, idOf(context)),
      ID: result.id,
      Mode: result.mode,
      Output: result.output,
      Service: result.service,
      Status: result.status,
      StatusCode: result.statusCode,
      Task: result.task,
      Timestamp: Math.floor(result.at / 1000),
    };
  }
  return { json };
});

type Usage = NonNullable<AllocStats["tasks"][string]>;

const NO_USAGE: Usage = {
  cpuPercent: 0,
  cpuTotalTicks: 0,
  memoryRssBytes: 0,
  memoryUsageBytes: 0,
  memoryMaxUsageBytes: 0,
  timestamp: 0,
};

function sumOf(usages: readonly (Usage | null)[]): Usage {
  return usages.reduce<Usage>((sum, usage) => {
    if (!usage) return sum;
    return {
      cpuPercent: sum.cpuPercent + usage.cpuPercent,
      cpuTotalTicks: sum.cpuTotalTicks + usage.cpuTotalTicks,
      memoryRssBytes: sum.memoryRssBytes + usage.memoryRssBytes,
      memoryUsageBytes: sum.memoryUsageBytes + usage.memoryUsageBytes,
      memoryMaxUsageBytes: sum.memoryMaxUsageBytes + usage.memoryMaxUsageBytes,
      timestamp: Math.max(sum.timestamp, usage.timestamp),
    };
  }, NO_USAGE);
}

/** The checks of an allocation are grouped under its name. */
function groupOf(client: ClientAgent, allocId: string): string {
  return client.runner(allocId)?.record.alloc.name.replace(/^[^.]*\./, "") ?? "";
}

function usageDoc(usage: Usage): Record<string, unknown> {
  return {
    CpuStats: {
      Measured: ["Throttled Periods", "Throttled Time", "Percent"],
      Percent: usage.cpuPercent,
      SystemMode: 0,
      ThrottledPeriods: 0,
      ThrottledTime: 0,
      TotalTicks: usage.cpuTotalTicks,
      UserMode: 0,
    },
    DeviceStats: null,
    MemoryStats: {
      Cache: 0,
      KernelMaxUsage: 0,
      KernelUsage: 0,
      MappedFile: 0,
      MaxUsage: usage.memoryMaxUsageBytes,
      Measured: ["RSS", "Cache", "Swap", "Usage", "Max Usage"],
      RSS: usage.memoryRssBytes,
      Swap: 0,
      Usage: usage.memoryUsageBytes,
    },
  };
}

const stats = ofAlloc(async (context, client) => {
  const found = await client.allocStats(idOf(context), context.query.all.get("task") ?? "");
  const tasks: Record<string, unknown> = {};
  for (const [name, usage] of Object.entries(found.tasks)) {
    tasks[name] = {
      Pids: null,
      ResourceUsage: usageDoc(usage ?? NO_USAGE),
      Timestamp: found.timestamp * 1_000_000,
    };
  }
  return {
    json: {
      ResourceUsage: { ...usageDoc(sumOf(Object.values(found.tasks))), DeviceStats: [] },
      Tasks: tasks,
      Timestamp: found.timestamp * 1_000_000,
    },
  };
});

const restart = ofAlloc(async (context, client) => {
  const body = new Fields(await context.json(), "api.AllocationRestartRequest");
  const task = body.string("TaskName");
  await client.restart(idOf(context), { task, allTasks: body.boolean("AllTasks") });
  return { json: { Index: 0 } };
});

const signal = ofAlloc(async (context, client) => {
  const body = new Fields(await context.json(), "api.AllocSignalRequest");
  await client.signal(idOf(context), { task: body.string("Task"), signal: body.string("Signal") });
  return { json: { Index: 0 } };
});

const empty: Reply = {};

const allocGc = ofAlloc(async (context, client) => {
  await client.gc(idOf(context));
  return empty;
});

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
  const limitText = context.query.all.get("limit");
  const limit = limitText ? Number(limitText) : Number.POSITIVE_INFINITY;
  const path = pathOf(context);
  const range = { offset: Number(offset), limit };
  return await raw(() => client.fs.readAt(idOf(context), path, range));
});

function originOf(context: RequestContext): "start" | "end" {
  const origin = context.query.all.get("origin") || "start";
  if (origin !== "start" && origin !== "end") throw badRequest("origin must be start or end");
  return origin;
}

function streamOptions(context: RequestContext, follow: boolean) {
  return {
    offset: Number(context.query.all.get("offset") ?? 0),
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
  const follow = context.query.all.get("follow") !== "false";
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
  const follow = all.get("follow") === "true";
  const frames = await primed(
    client.fs.logs(idOf(context), source, streamOptions(context, follow)),
  );
  if (all.get("plain") === "true") {
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

const clientStats = ofNode(async (_context, client) => ({ json: await hostStats(client) }));

async function hostStats(client: ClientAgent): Promise<Record<string, unknown>> {
  const found = await client.hostStats();
  const diskDoc = (disk: (typeof found.disks)[number]) => ({
    Available: disk.available,
    Device: disk.device,
    InodesUsedPercent: disk.inodesUsedPercent,
    Mountpoint: disk.mountpoint,
    Size: disk.size,
    Used: disk.used,
    UsedPercent: disk.usedPercent,
  });
  return {
    AllocDirStats: diskDoc(found.allocDir),
    CPU: found.cpu.map((cpu) => ({
      CPU: cpu.cpu,
      Idle: cpu.idle,
      System: cpu.system,
      TotalPercent: cpu.totalPercent,
      TotalTicks: cpu.totalTicks,
      User: cpu.user,
    })),
    CPUTicksConsumed: found.cpuTicksConsumed,
    DeviceStats: null,
    DiskStats: found.disks.map(diskDoc),
    Memory: {
      Available: found.memory.available,
      Free: found.memory.free,
      Total: found.memory.total,
      Used: found.memory.used,
    },
    Timestamp: found.timestamp * 1_000_000,
    Uptime: Math.floor(found.uptime),
  };
}

const metadata = ofNode(async (_context, client) => {
  const { meta } = client.node;
  return { json: { Dynamic: {}, Meta: meta, Static: meta } };
});

const gc = ofNode(async (_context, client) => {
  await client.gc();
  return empty;
});

export const nodeHandlers = {
  allocChecks: checks,
  clientAllocChecks: checks,
  clientAllocStats: stats,
  clientAllocRestart: restart,
  clientAllocSignal: signal,
  clientAllocGc: allocGc,
  fsList: list,
  fsStat: stat,
  fsCat: cat,
  fsReadAt: readAt,
  fsStream: stream,
  fsLogs: logs,
  clientStats,
  clientMetadata: metadata,
  clientGc: gc,
} as const;
