/**
 * Stands between agents and Consul, changes nothing, and may hold back departures: a Consul that is
 * busy just when services leave it.
 */
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { CONSUL } from "./real-parts.ts";

export class ConsulRelay {
  readonly #server: Server;
  readonly #holdMs: number;

  private constructor(holdMs: number) {
    this.#holdMs = holdMs;
    this.#server = createServer(async (call, answer) => {
      if (call.url?.includes("/service/deregister/")) await delay(this.#holdMs);
      const { method, url, headers } = call;
      const [host, port] = CONSUL.split(":");
      const onward = request({ host, port, method, path: url, headers }, (from) => {
        answer.writeHead(from.statusCode ?? 502, from.headers);
        from.pipe(answer);
      });
      // What breaks on one side is broken off on the other.
      onward.on("error", () => answer.destroy());
      answer.on("close", () => onward.destroy());
      call.pipe(onward);
    });
  }

  /** Departures reach Consul `holdMs` late. */
  static async start(holdMs: number): Promise<ConsulRelay> {
    const relay = new ConsulRelay(holdMs);
    await new Promise<void>((resolve) => relay.#server.listen(0, "127.0.0.1", resolve));
    return relay;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
