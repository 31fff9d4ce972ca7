/** What one request that fails means for the others. */
import assert from "node:assert/strict";
import test from "node:test";
import { SimVfs } from "./sim-vfs.ts";
import { StorageClient } from "./storage-client.ts";
import { encodeEntries, StoreHost } from "./store-host.ts";
import type { StoreMethod, StoreReply, StoreRequest } from "./store-protocol.ts";
import { testEntry, testMeta } from "./testing.ts";
import { WriteEncoder } from "./wal.ts";

const MIB = 1024 * 1024;
const META = testMeta(1, 1);

class Host {
  readonly vfs = new SimVfs();
  readonly replies: StoreReply[] = [];
  readonly #encoder = new WriteEncoder(1);
  readonly #host = new StoreHost(this.vfs, { dataDir: "/d" }, (reply) => this.replies.push(reply));
  #calls = 0;
  #last = 1;

  constructor() {
    this.call("open", { mintedId: "m1" });
    const hardState = { term: 1, vote: "", commit: 0 };
    const entryFrames = encodeEntries([testEntry(1, 1)]);
    this.call("initialize", { clusterId: "c1", hardState, entryFrames });
  }

  call(method: StoreMethod, args: object): StoreReply | undefined {
    this.#calls += 1;
    this.#host.handle([{ kind: "call", id: this.#calls, method, args } as StoreRequest]);
    return this.replies.at(-1);
  }

  /** As many at once, of that size; what was told of them. */
  append(count: number, bytes = 10): readonly number[] {
    const from = this.replies.length;
    const requests = Array.from({ length: count }, (): StoreRequest => {
      this.#last += 1;
      const entries = [testEntry(this.#last, 1, bytes)];
      return {
        kind: "append",
        write: this.#encoder.encode({ hardState: null, entries, mark: null }),
      };
    });
    this.#host.handle(requests);
    return this.replies.slice(from).flatMap((reply) => {
      return reply.kind === "appended" ? [reply.count] : [];
    });
  }

  snapshot(): number {
    const begun = this.call("beginSnapshot", { meta: META });
    const handle = begun?.kind === "result" ? (begun.value as number) : 0;
    this.call("writeChunk", { handle, chunk: new Uint8Array(100) });
    return handle;
  }
}

test("writes that come together are one sync, up to 16 MiB", () => {
  const host = new Host();
  assert.deepEqual(host.append(3), [3]);
  assert.deepEqual(host.append(5, 6 * MIB), [3, 2]);
});

test("after the first write that fails nothing is said to be durable, in whatever file it was", () => {
  const host = new Host();
  const handle = host.snapshot();
  host.vfs.fault = (operation) => (operation === "sync" ? new Error("EIO") : null);
  host.call("commitSnapshot", { handle });
  assert.deepEqual(
    host.replies.slice(-2).map(({ kind }) => kind),
    ["error", "failed"],
  );
  host.vfs.fault = null;
  assert.deepEqual(host.append(1), []);
});

test("a snapshot that cannot be read hurts its reader alone", () => {
  const host = new Host();
  host.call("commitSnapshot", { handle: host.snapshot() });
  const path = `/d/snap/${host.vfs.list("/d/snap")[0]}`;
  assert.equal(host.call("openReader", { meta: testMeta(7, 1) })?.kind, "error");
  assert.deepEqual(host.append(1), [1]);
  host.vfs.corrupt(path, host.vfs.open(path).size() - 60);
  const opened = host.call("openReader", { meta: META });
  assert.ok(opened?.kind === "result");
  const read = host.call("readChunk", { handle: opened.value });
  assert.ok(read?.kind === "error" && read.fault.code === "corrupt");
  assert.deepEqual(host.append(1), [1]);
});

test("whoever waits for the disk when it is closed is told", async () => {
  let receive: (reply: StoreReply) => void = () => {};
  const client = new StorageClient({
    post: (request) => {
      if (request.kind !== "call" || request.method !== "close") return;
      receive({ kind: "result", id: request.id, value: null });
    },
    onReply: (fn) => {
      receive = fn;
    },
    end: () => Promise.resolve(),
  });
  const waiting = client.compact(5);
  await Promise.all([client.close(), assert.rejects(waiting, { code: "stopped" })]);
  await assert.rejects(client.compact(6), { code: "stopped" });
});
