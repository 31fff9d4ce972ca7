import assert from "node:assert/strict";
import { appendFile, chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { machineClock } from "../testing/real-parts.ts";
import { AllocFs, type Frame } from "./alloc-fs.ts";

async function withFs(act: (fs: AllocFs, root: string) => Promise<void>): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), "drover-fs-"));
  await mkdir(join(root, "alloc", "logs"), { recursive: true });
  await mkdir(join(root, "web", "secrets"), { recursive: true });
  try {
    await act(new AllocFs({ clock: machineClock, root: () => root, tasks: () => ["web"] }), root);
  } finally {
    await rm(root, { recursive: true });
  }
}

async function text(chunks: AsyncIterable<Buffer | Frame>): Promise<string> {
  let out = "";
  for await (const chunk of chunks) out += (Buffer.isBuffer(chunk) ? chunk : chunk.data).toString();
  return out;
}

function options(over: Partial<Parameters<AllocFs["logs"]>[2]> = {}) {
  const { signal } = new AbortController();
  return { offset: 0, origin: "start", follow: false, signal, ...over } as const;
}

const WEB = { task: "web", type: "stdout" } as const;

test("files are listed, described and read", () =>
  withFs(async (fs, root) => {
    await writeFile(join(root, "alloc", "a.txt"), "hello world");
    const names = (await fs.ls("x", "alloc")).map((f) => [f.name, f.isDir, f.fileMode[0]]);
    assert.deepEqual(names, [
      ["a.txt", false, "-"],
      ["logs", true, "d"],
    ]);
    const stat = await fs.stat("x", "alloc/a.txt");
    assert.equal(stat.size, 11);
    assert.equal(stat.contentType, "text/plain; charset=utf-8");
    await chmod(join(root, "alloc"), 0o1755);
    const directory = await fs.stat("x", "alloc");
    assert.equal(directory.contentType, "application/octet-stream");
    assert.equal(directory.fileMode, "dtrwxr-xr-x");
    assert.equal(await text(fs.cat("x", "/alloc/a.txt")), "hello world");
    assert.equal(await text(fs.readAt("x", "alloc/a.txt", { offset: 6, limit: 3 })), "wor");
  }));

test("nothing outside the directory can be reached, not through links either", () =>
  withFs(async (fs, root) => {
    await symlink("/etc", join(root, "alloc", "etc"));
    await symlink("/etc/hostname", join(root, "alloc", "name"));
    await writeFile(join(root, "web", "secrets", "key"), "k");
    const escapes = { message: "Path escapes the alloc directory" };
    await assert.rejects(fs.ls("x", "../.."), escapes);
    await assert.rejects(fs.ls("x", "alloc/etc"), escapes);
    await assert.rejects(fs.stat("x", "alloc/name"), escapes);
    await assert.rejects(text(fs.cat("x", "alloc/name")), escapes);
    await assert.rejects(text(fs.stream("x", "../../etc/passwd", options())), escapes);
    await assert.rejects(text(fs.cat("x", "web/secrets/key")), { code: "secret" });
    await assert.rejects(fs.stat("x", "alloc/none"), {
      code: "not-found",
      message: `stat ${root}/alloc/none: no such file or directory`,
    });
  }));

test("logs are read over rotated files, from either end", () =>
  withFs(async (fs, root) => {
    const log = (index: number) => join(root, "alloc", "logs", `web.stdout.${index}`);
    await assert.rejects(text(fs.logs("x", WEB, options())), {
      message: 'task "web" not started yet. No logs available',
    });
    await writeFile(log(9), "one\n");
    await writeFile(log(10), "two\n");
    assert.equal(await text(fs.logs("x", WEB, options())), "one\ntwo\n");
    const nobody = { task: "nope", type: "stdout" } as const;
    await assert.rejects(text(fs.logs("x", nobody, options())), { code: "unknown-task" });
    assert.equal(await text(fs.logs("x", WEB, options({ offset: 2 }))), "e\ntwo\n");
    const end = options({ origin: "end", offset: 6 });
    assert.equal(await text(fs.logs("x", WEB, end)), "e\ntwo\n");
    const newest = options({ origin: "end", offset: 0 });
    assert.equal(await text(fs.logs("x", WEB, newest)), "two\n", "the newest file whole");
    const frames: Frame[] = [];
    for await (const frame of fs.logs("x", WEB, options())) frames.push(frame);
    assert.deepEqual(
      frames.map((f) => [f.file, f.offset]),
      [
        ["alloc/logs/web.stdout.9", 4],
        ["alloc/logs/web.stdout.10", 4],
      ],
    );
  }));

test("following goes on into new files until it is aborted", { timeout: 10_000 }, () =>
  withFs(async (fs, root) => {
    const log = (index: number) => join(root, "alloc", "logs", `web.stdout.${index}`);
    await writeFile(log(0), "a");
    const stop = new AbortController();
    const seen: string[] = [];
    for await (const frame of fs.logs("x", WEB, options({ follow: true, signal: stop.signal }))) {
      seen.push(frame.data.toString());
      if (seen.length === 1) await appendFile(log(0), "b");
      if (seen.length === 2) await writeFile(log(1), "c");
      if (seen.length === 3) stop.abort();
    }
    assert.deepEqual(seen, ["a", "b", "c"]);
  }),
);

test("a file that is cut while it is followed is said so", { timeout: 10_000 }, () =>
  withFs(async (fs, root) => {
    const path = join(root, "alloc", "f");
    await writeFile(path, "long text");
    const stop = new AbortController();
    const events: string[] = [];
    const follow = options({ follow: true, signal: stop.signal });
    for await (const frame of fs.stream("x", "alloc/f", follow)) {
      events.push(`${frame.fileEvent}|${frame.data.toString()}`);
      if (events.length === 1) await writeFile(path, "new");
      if (events.length === 3) stop.abort();
    }
    assert.deepEqual(events, ["|long text", "file truncated|", "|new"]);
  }),
);
