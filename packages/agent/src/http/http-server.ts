/** The local HTTP API of an agent: hono over Node's server, on every machine (DESIGN §11). */
import type { Server as NodeServer } from "node:http";
import type { AddressInfo } from "node:net";
import { DroverError } from "@drover/base";
import { type HttpBindings, serve } from "@hono/node-server";
import { Hono } from "hono";
import type { Dispatcher } from "./dispatcher.ts";
import { NamedResponse } from "./header-names.ts";

/** An event stream whose reader takes nothing for so long is ended: two heartbeats. */
const STALLED_MS = 60_000;

export interface HttpListener {
  /** host:port it is bound to. */
  readonly address: string;
  readonly node: NodeServer;
  close(): Promise<void>;
}

type Handles = Pick<Dispatcher, "handle">;

export function httpApp(dispatcher: Handles, stalledMs = STALLED_MS): Hono {
  const app = new Hono<{ Bindings: Partial<HttpBindings> }>();
  app.get("/v1/event/stream", async (c, next) => {
    const { outgoing } = c.env ?? {};
    // Idle is not stalled: something must lie ready that the reader does not take.
    outgoing?.setTimeout(stalledMs, () => {
      if (outgoing.writableLength > 0) outgoing.destroy();
    });
    await next();
  });
  app.all("*", (c) => dispatcher.handle(c.req.raw));
  return app as unknown as Hono;
}

export async function listenHttp(options: {
  readonly host: string;
  readonly port: number;
  readonly dispatcher: Handles;
  readonly stalledMs?: number;
}): Promise<HttpListener> {
  const { host, port } = options;
  const app = httpApp(options.dispatcher, options.stalledMs);
  const node = await new Promise<NodeServer>((resolve, reject) => {
    const server = serve(
      {
        fetch: app.fetch,
        hostname: host,
        port,
        serverOptions: { ServerResponse: NamedResponse },
      },
      () => resolve(server as NodeServer),
    );
    server.once("error", (error: Error) =>
      reject(
        new DroverError("listen", `cannot listen on ${host}:${port}: ${error.message}`, {
          cause: error,
        }),
      ),
    );
  });
  // Held queries and event streams outlive any idle time-out.
  node.requestTimeout = 0;
  node.keepAliveTimeout = 120_000;
  const bound = node.address() as AddressInfo;
  return {
    address: `${host}:${bound.port}`,
    node,
    close: async () => {
      node.closeAllConnections();
      await new Promise<void>((resolve) => node.close(() => resolve()));
    },
  };
}
