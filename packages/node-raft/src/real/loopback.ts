/**
 * Members on 127.0.0.1, each of which dials every other one through a port of its own, where what
 * goes in one direction can be held up. Needs no privileges. A cut holds what is said up, as a
 * network does whose packets are sent again; a member that dials across one is let wait.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { RealNetwork } from "./network.ts";

/** One direction of a connection. */
interface Flow {
  readonly from: number;
  readonly to: number;
  readonly source: Socket;
  readonly target: Socket;
}

export class LoopbackNetwork implements RealNetwork {
  readonly #servers: Server[] = [];
  readonly #flows = new Set<Flow>();
  readonly #cut = new Set<string>();

  hostOf(): string {
    return "127.0.0.1";
  }

  netnsOf(): undefined {
    return undefined;
  }

  async connect(addresses: readonly string[]): Promise<Record<string, string>[]> {
    const routes: Record<string, string>[] = [];
    for (const dialler of addresses.keys()) {
      const own: Record<string, string> = {};
      for (const [target, address] of addresses.entries()) {
        if (target !== dialler) own[address] = await this.#listen(dialler, target, address);
      }
      routes.push(own);
    }
    return routes;
  }

  setCut(from: number, to: number, isCut: boolean): Promise<void> {
    const link = `${from}>${to}`;
    if (isCut) this.#cut.add(link);
    else this.#cut.delete(link);
    for (const flow of this.#flows) {
      if (flow.from === from && flow.to === to) this.#carry(flow);
    }
    return Promise.resolve();
  }

  async close(): Promise<void> {
    for (const { source, target } of this.#flows) {
      source.destroy();
      target.destroy();
    }
    for (const server of this.#servers) server.close();
  }

  async #listen(dialler: number, target: number, address: string): Promise<string> {
    const [host = "", port] = address.split(":");
    const server = createServer((near) => {
      const far = connect({ host, port: Number(port), noDelay: true });
      near.setNoDelay(true);
      this.#join(dialler, target, near, far);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    this.#servers.push(server);
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  #join(dialler: number, target: number, near: Socket, far: Socket): void {
    const flows: Flow[] = [
      { from: dialler, to: target, source: near, target: far },
      { from: target, to: dialler, source: far, target: near },
    ];
    const end = (): void => {
      for (const flow of flows) this.#flows.delete(flow);
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      socket.on("error", end);
      socket.on("close", end);
    }
    for (const flow of flows) {
      this.#flows.add(flow);
      this.#carry(flow);
    }
  }

  #carry({ from, to, source, target }: Flow): void {
    source.unpipe(target);
    if (this.#cut.has(`${from}>${to}`)) source.pause();
    else source.pipe(target);
  }
}
