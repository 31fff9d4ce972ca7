/**
 * The few calls of etcd's HTTP gateway that a log needs: transactions, ranges, leases, watches.
 * Bytes travel as base 64, 64-bit integers as text.
 */

const CALL_TIMEOUT_MS = 10_000;

export interface Compare {
  readonly key: string;
  /** Of the key's creation; 0 = it must not be there. */
  readonly createRevision: number;
}

interface KeyValue {
  readonly key: string;
  readonly value: Uint8Array;
  readonly createRevision: number;
}

export interface Put {
  readonly key: string;
  readonly value: Uint8Array;
  /** The key goes with it; absent = it stays. */
  readonly lease?: string;
}

export interface WatchEvent extends KeyValue {
  readonly kind: "put" | "delete";
  /** Of this change. */
  readonly revision: number;
}

interface WireKeyValue {
  readonly key: string;
  readonly value?: string;
  readonly create_revision?: string;
  readonly mod_revision?: string;
}

interface WireEvent {
  readonly type?: "DELETE";
  readonly kv: WireKeyValue;
}

interface WatchAnswer {
  readonly result?: {
    readonly canceled?: boolean;
    readonly cancel_reason?: string;
    readonly events?: readonly WireEvent[];
  };
  readonly error?: unknown;
}

export class EtcdGateway {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** All or nothing: the writes happen if every comparison holds. Answers the revision, or null. */
  async writeIf(
    compares: readonly Compare[],
    writes: { readonly puts?: readonly Put[]; readonly deletes?: readonly string[] },
  ): Promise<number | null> {
    const puts = (writes.puts ?? []).map(({ key, value, lease = "0" }) => ({
      requestPut: { key: encode(key), value: Buffer.from(value).toString("base64"), lease },
    }));
    const deletes = (writes.deletes ?? []).map((key) => ({
      requestDeleteRange: { key: encode(key) },
    }));
    const compare = compares.map(({ key, createRevision }) => ({
      key: encode(key),
      target: "CREATE",
      result: "EQUAL",
      createRevision: String(createRevision),
    }));
    const { header, succeeded = false } = await this.#call<{
      header: { revision: string };
      succeeded?: boolean;
    }>("kv/txn", { compare, success: [...puts, ...deletes] });
    return succeeded ? Number(header.revision) : null;
  }

  /** The greatest key that begins so, linearizably. */
  async last(prefix: string): Promise<string | null> {
    const { kvs = [] } = await this.#call<{ kvs?: WireKeyValue[] }>("kv/range", {
      ...rangeOf(prefix),
      sort_order: "DESCEND",
      sort_target: "KEY",
      limit: "1",
      keys_only: true,
    });
    return kvs[0] === undefined ? null : decode(kvs[0]).key;
  }

  /** Answers its id. */
  async grant(seconds: number): Promise<string> {
    return (await this.#call<{ ID: string }>("lease/grant", { TTL: String(seconds) })).ID;
  }

  /** False: it has run out. */
  async keepAlive(lease: string): Promise<boolean> {
    const { result } = await this.#call<{ result?: { TTL?: string } }>("lease/keepalive", {
      ID: lease,
    });
    return Number(result?.TTL ?? 0) > 0;
  }

  async revoke(lease: string): Promise<void> {
    await this.#call("lease/revoke", { ID: lease });
  }

  /** Every change under `prefix` from a revision on, in order. */
  async *watch(
    prefix: string,
    options: { readonly from: number; readonly signal: AbortSignal },
  ): AsyncGenerator<WatchEvent> {
    const create = { ...rangeOf(prefix), start_revision: String(options.from) };
    const answer = await fetch(`${this.#url}/v3/watch`, {
      method: "POST",
      body: JSON.stringify({ create_request: create }),
      signal: options.signal,
    });
    if (!answer.ok || answer.body === null) throw new Error(`watch: ${await answer.text()}`);
    for await (const line of linesOf(answer.body)) {
      const { result, error } = JSON.parse(line) as WatchAnswer;
      if (result === undefined || result.canceled === true) {
        throw new Error(`watch: ${result?.cancel_reason ?? JSON.stringify(error)}`);
      }
      for (const { type, kv } of result.events ?? []) {
        const revision = Number(kv.mod_revision);
        yield { kind: type === "DELETE" ? "delete" : "put", revision, ...decode(kv) };
      }
    }
    throw new Error("watch: the stream ended");
  }

  async #call<T>(path: string, body: unknown): Promise<T> {
    const answer = await fetch(`${this.#url}/v3/${path}`, {
      method: "POST",
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
    return JSON.parse(text) as T;
  }
}

/** All keys that begin with it. */
function rangeOf(prefix: string): { readonly key: string; readonly range_end: string } {
  const end = Buffer.from(prefix);
  end[end.length - 1] = (end.at(-1) ?? 0) + 1;
  return { key: encode(prefix), range_end: end.toString("base64") };
}

function encode(text: string): string {
  return Buffer.from(text).toString("base64");
}

function decode({ key, value = "", create_revision = "0" }: WireKeyValue): KeyValue {
  return {
    key: Buffer.from(key, "base64").toString(),
    value: new Uint8Array(Buffer.from(value, "base64")),
    createRevision: Number(create_revision),
  };
}

async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let pending: Buffer[] = [];
  for await (const chunk of body) {
    let rest = Buffer.from(chunk);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      yield Buffer.concat([...pending, rest.subarray(0, end)]).toString();
      pending = [];
      rest = rest.subarray(end + 1);
    }
    pending.push(rest);
  }
}
