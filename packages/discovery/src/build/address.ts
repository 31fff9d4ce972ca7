/** Which address and port a service or check advertises (spec chapter 5 §5.6). Pure. */
import { DroverError } from "@drover/base";

export interface ServicePort {
  readonly label: string;
  readonly value: number;
  readonly to: number;
  readonly hostIp: string;
}

export interface ServiceNetworks {
  /** Ports of the allocation on its host. */
  readonly ports: readonly ServicePort[];
  /** The host's address, for what names no port. */
  readonly hostIp: string;
  /** The driver's own network; null on the host's. */
  readonly driver: {
    readonly ip: string;
    readonly portMap: Readonly<Record<string, number>>;
    readonly autoAdvertise: boolean;
  } | null;
  /** The allocation's own address; "" when it shares the host's. */
  readonly allocIp: string;
}

export interface Address {
  readonly ip: string;
  readonly port: number;
}

/** Throws DroverError `service-address` when the port or the network does not exist. */
export function resolveAddress(
  request: {
    readonly mode: string;
    readonly portLabel: string;
    /** Set by the user; wins over every mode. */
    readonly explicit: string;
  },
  networks: ServiceNetworks,
): Address {
  const { mode, portLabel, explicit } = request;
  if (explicit !== "") return { ip: explicit, port: hostAddress(portLabel, networks).port };
  switch (mode) {
    case "":
    case "auto":
      return networks.driver?.autoAdvertise
        ? driverAddress(portLabel, networks)
        : hostAddress(portLabel, networks);
    case "host":
      return hostAddress(portLabel, networks);
    case "driver":
      return driverAddress(portLabel, networks);
    case "alloc":
      return allocAddress(portLabel, networks);
    default:
      throw wrong(`address mode "${mode}" is not supported`);
  }
}

function hostAddress(label: string, networks: ServiceNetworks): Address {
  if (label === "") return { ip: networks.hostIp, port: 0 };
  const port = networks.ports.find((candidate) => candidate.label === label);
  if (port !== undefined) return { ip: port.hostIp || networks.hostIp, port: port.value };
  return { ip: networks.hostIp, port: numericPort(label) };
}

function driverAddress(label: string, networks: ServiceNetworks): Address {
  const { driver } = networks;
  if (driver === null) throw wrong(`address mode "driver" needs a driver with its own network`);
  if (label === "") return { ip: driver.ip, port: 0 };
  const mapped = driver.portMap[label] ?? innerPort(label, networks);
  return { ip: driver.ip, port: mapped ?? numericPort(label) };
}

function allocAddress(label: string, networks: ServiceNetworks): Address {
  const ip = networks.allocIp;
  if (ip === "") throw wrong(`address mode "alloc" needs a group network of its own`);
  if (label === "") return { ip, port: 0 };
  return { ip, port: innerPort(label, networks) ?? numericPort(label) };
}

function innerPort(label: string, networks: ServiceNetworks): number | undefined {
  const port = networks.ports.find((candidate) => candidate.label === label);
  if (port === undefined) return undefined;
  return port.to > 0 ? port.to : port.value;
}

function numericPort(label: string): number {
  const port = Number(label);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw wrong(`port "${label}" is not declared`);
}

function wrong(message: string): DroverError {
  return new DroverError("service-address", message, { retryable: false });
}
