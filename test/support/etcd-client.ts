/**
 * Writes and linearizable reads over gRPC, as etcd's own clients send them: its HTTP gateway would
 * cost it a part of its speed. One connection, many calls under way.
 */
import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";

const PREFIX_BYTES = 5;
const KEY_FIELD = 0x0a;
const VALUE_FIELD = 0x12;
const OK = "0";

export class EtcdClient {
  readonly #session: ClientHttp2Session;
  #broken: Error | null = null;

  private constructor(session: ClientHttp2Session) {
    this.#session = session;
    // The calls under way learn of it themselves.
    session.on("error", (error) => {
      this.#broken = error;
    });
  }

  static async connect(url: string): Promise<EtcdClient> {
    const session = connect(url);
    const client = new EtcdClient(session);
    await once(session, "connect");
    return client;
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    await this.#call("Put", [field(KEY_FIELD, Buffer.from(key)), field(VALUE_FIELD, value)]);
  }

  async read(key: string): Promise<void> {
    await this.#call("Range", [field(KEY_FIELD, Buffer.from(key))]);
  }

  close(): void {
    this.#session.destroy();
  }

  #call(method: string, fields: readonly Uint8Array[]): Promise<void> {
    if (this.#broken !== null) return Promise.reject(this.#broken);
    return new Promise((resolve, reject) => {
      const stream = this.#session.request({
        ":method": "POST",
        ":path": `/etcdserverpb.KV/${method}`,
        "content-type": "application/grpc",
        te: "trailers",
      });
      let status: unknown;
      let message: unknown;
      const look = (headers: Readonly<Record<string, unknown>>) => {
        status ??= headers["grpc-status"];
        message ??= headers["grpc-message"];
      };
      stream.on("response", look);
      stream.on("trailers", look);
      stream.on("error", reject);
      stream.on("close", () => {
        if (status === OK) resolve();
        else reject(new Error(`${method}: ${status ?? "no answer"} ${message ?? ""}`));
      });
      stream.resume();
      const body = Buffer.concat(fields);
      const prefix = Buffer.alloc(PREFIX_BYTES);
      prefix.writeUInt32BE(body.length, 1);
      stream.end(Buffer.concat([prefix, body]));
    });
  }
}

/** A field of bytes in a protobuf message. */
function field(tag: number, bytes: Uint8Array): Uint8Array {
  const head = [tag];
  let left = bytes.byteLength;
  for (; left > 127; left >>>= 7) head.push((left & 127) | 128);
  return Buffer.concat([Buffer.from([...head, left]), bytes]);
}
