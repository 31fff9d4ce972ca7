/** Which addresses an agent tells the others. */
import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";

type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/** `configured` may leave the port out; "" = the bound address, or a real one of this machine. */
export function advertised(
  configured: string,
  bound: string,
  interfaces: Interfaces = networkInterfaces(),
): string {
  const port = Number(bound.slice(bound.lastIndexOf(":") + 1));
  if (configured !== "") return withPort(configured, port);
  const host = bound.slice(0, bound.lastIndexOf(":"));
  if (host !== "0.0.0.0" && host !== "::" && host !== "[::]") return bound;
  // Nobody can dial "every address": the first one that others can reach stands for it.
  const outside = Object.values(interfaces)
    .flatMap((list) => list ?? [])
    .find((one) => one.family === "IPv4" && !one.internal);
  return `${outside?.address ?? "127.0.0.1"}:${port}`;
}

export function withPort(address: string, port: number): string {
  return /:\d+$/.test(address) ? address : `${address}:${port}`;
}
