/** A transport that reaches its peers by other ways than their addresses. */
import type { Transport } from "../node/api.ts";

export function rerouted(
  transport: Transport,
  routes: Readonly<Record<string, string>>,
): Transport {
  const via = (address: string): string => routes[address] ?? address;
  return {
    start: (handler, self) => transport.start(handler, self),
    send: (to, address, messages) => transport.send(to, via(address), messages),
    sendSnapshot: (to, address, message, meta, source) =>
      transport.sendSnapshot(to, via(address), message, meta, source),
    close: () => transport.close(),
  };
}
