/**
 * Agent configuration files in HCL, in the words of the field (`server { bootstrap_expect }`,
 * `client { meta { … } }`, `ports`, `consul`, `plugin "docker"`). What is not known is refused with
 * its place: a misspelt setting must not be ignored.
 */

import { nanosToMs, parseDuration } from "@drover/base";
import {
  type Attribute,
  type Block,
  type Body,
  type BodySchema,
  type Diagnostic,
  EMPTY_SCOPE,
  elementsOf,
  errorAt,
  evaluateAttribute,
  formatDiagnostic,
  hasErrors,
  numberOf,
  parseBodyText,
  primitiveText,
  toDouble,
  type Value,
} from "@drover/hcl";
import type { ConfigLayer } from "./config.ts";

export type ParsedConfig =
  | { readonly ok: true; readonly layer: ConfigLayer }
  | { readonly ok: false; readonly message: string };

type Reader = (value: Value, attribute: Attribute, diagnostics: Diagnostic[]) => unknown;
/** Setting → where it goes and how it is read. */
type Settings = Readonly<Record<string, readonly [key: string, read: Reader]>>;

const text: Reader = (value, attribute, diagnostics) =>
  typeof value.data === "string" ? value.data : wrongType(attribute, "a string", diagnostics);
const flag: Reader = (value, attribute, diagnostics) =>
  typeof value.data === "boolean" ? value.data : wrongType(attribute, "true or false", diagnostics);
const count: Reader = (value, attribute, diagnostics) =>
  value.type.kind === "number" && value.data !== null
    ? toDouble(numberOf(value))
    : wrongType(attribute, "a number", diagnostics);
const duration: Reader = (value, attribute, diagnostics) => {
  const parsed = parseDuration(typeof value.data === "string" ? value.data : "");
  return parsed.ok
    ? nanosToMs(parsed.nanos)
    : wrongType(attribute, 'a duration such as "10s"', diagnostics);
};
const texts: Reader = (value, attribute, diagnostics) => {
  const items = Array.isArray(value.data) ? elementsOf(value) : [];
  const strings = items.flatMap((item) => (typeof item.data === "string" ? [item.data] : []));
  return Array.isArray(value.data) && strings.length === items.length
    ? strings
    : wrongType(attribute, "a list of strings", diagnostics);
};

const TOP: Settings = {
  name: ["name", text],
  region: ["region", text],
  datacenter: ["datacenter", text],
  data_dir: ["dataDir", text],
  bind_addr: ["bindAddr", text],
  log_level: ["logLevel", (v, a, d) => String(text(v, a, d)).toLowerCase()],
  log_json: ["logJson", flag],
  realtime: ["realtime", flag],
  join: ["join", texts],
};

const BLOCKS: Readonly<Record<string, Settings>> = {
  ports: { http: ["http", count], rpc: ["rpc", count] },
  advertise: { http: ["http", text], rpc: ["rpc", text] },
  server: {
    enabled: ["enabled", flag],
    bootstrap_expect: ["bootstrapExpect", count],
    heartbeat_grace: ["heartbeatGraceMs", duration],
    min_heartbeat_ttl: ["minHeartbeatTtlMs", duration],
    max_heartbeats_per_second: ["maxHeartbeatsPerSecond", count],
  },
  autopilot: {
    cleanup_dead_servers: ["replaceDead", flag],
    dead_server_threshold: ["deadAfterMs", duration],
    last_contact_threshold: ["contactMsMax", duration],
    max_trailing_logs: ["trailingMax", count],
    server_stabilization_time: ["stableMs", duration],
  },
  client: {
    enabled: ["enabled", flag],
    node_class: ["nodeClass", text],
    node_pool: ["nodePool", text],
    network_interface: ["networkInterface", text],
    min_dynamic_port: ["minDynamicPort", count],
    max_dynamic_port: ["maxDynamicPort", count],
    cpu_total_compute: ["totalCpuShares", count],
    memory_total_mb: ["totalMemoryMb", count],
    max_kill_timeout: ["maxKillTimeoutMs", duration],
    consumer_grace: ["consumerGraceMs", duration],
    deregister_ack_timeout: ["deregisterAckTimeoutMs", duration],
    gc_max_allocs: ["gcMaxAllocs", count],
    servers: ["servers", texts],
  },
  reserved: {
    cpu: ["cpuShares", count],
    memory: ["memoryMb", count],
    disk: ["diskMb", count],
    reserved_ports: ["ports", text],
  },
  consul: { address: ["address", text], token: ["token", text], enabled: ["enabled", flag] },
  server_join: { retry_join: ["join", texts], start_join: ["join", texts] },
  docker: { enabled: ["enabled", flag], endpoint: ["endpoint", text] },
  raw_exec: { enabled: ["enabled", flag] },
  mock_driver: { enabled: ["enabled", flag] },
};

export function parseConfigFile(source: string, fileName: string): ParsedConfig {
  const { body, diagnostics } = parseBodyText({ name: fileName, text: source }, EMPTY_SCOPE);
  const layer = hasErrors(diagnostics) ? {} : readTop(body, diagnostics);
  if (!hasErrors(diagnostics)) return { ok: true, layer };
  const lines = diagnostics.map(formatDiagnostic).join("\n");
  return { ok: false, message: `Error loading configuration from ${fileName}:\n${lines}` };
}

function readTop(body: Body, diagnostics: Diagnostic[]): ConfigLayer {
  const blocks = ["ports", "advertise", "server", "autopilot", "client", "consul", "server_join"];
  const content = body.content(schemaOf(TOP, blocks, ["plugin"]), diagnostics);
  const layer: Record<string, unknown> = readSettings(TOP, content.attributes, diagnostics);
  for (const block of content.blocks) readBlock(block, layer, diagnostics);
  return layer as ConfigLayer;
}

function readBlock(block: Block, layer: Record<string, unknown>, diagnostics: Diagnostic[]): void {
  const join = (layer.join as string[] | undefined) ?? [];
  switch (block.type) {
    case "plugin":
      readPlugin(block, layer, diagnostics);
      return;
    case "server_join":
      layer.join = [...join, ...((settingsOf(block, diagnostics).join as string[]) ?? [])];
      return;
    case "consul": {
      const { enabled, ...consul } = settingsOf(block, diagnostics);
      layer.consul = enabled === false ? null : { address: "127.0.0.1:8500", token: "", ...consul };
      return;
    }
    case "server":
    case "client":
      readRole(block, layer, join, diagnostics);
      return;
    default:
      layer[block.type] = settingsOf(block, diagnostics);
  }
}

function readRole(
  block: Block,
  layer: Record<string, unknown>,
  join: readonly string[],
  diagnostics: Diagnostic[],
): void {
  const settings = BLOCKS[block.type] as Settings;
  const nested = block.type === "client" ? ["meta", "reserved", "server_join"] : ["server_join"];
  const content = block.body.content(schemaOf(settings, nested, []), diagnostics);
  const { servers, ...role } = readSettings(settings, content.attributes, diagnostics);
  const more: string[] = [...((servers as string[] | undefined) ?? [])];
  for (const inner of content.blocks) {
    if (inner.type === "meta") role.meta = readMap(inner, diagnostics);
    else if (inner.type === "reserved") {
      const empty = { cpuShares: 0, memoryMb: 0, diskMb: 0, ports: "" };
      role.reserved = { ...empty, ...settingsOf(inner, diagnostics) };
    } else more.push(...((settingsOf(inner, diagnostics).join as string[]) ?? []));
  }
  layer[block.type] = role;
  if (more.length > 0) layer.join = [...join, ...more];
}

/** `plugin "docker" { config { endpoint = … } }` */
function readPlugin(block: Block, layer: Record<string, unknown>, diagnostics: Diagnostic[]): void {
  const name = block.labels[0] ?? "";
  const settings = BLOCKS[name];
  if (!settings || !["docker", "raw_exec", "mock_driver"].includes(name)) {
    diagnostics.push(
      errorAt(block.headerRange, "Unknown plugin", "Known are docker, raw_exec and mock_driver."),
    );
    return;
  }
  const content = block.body.content(schemaOf({}, ["config"], []), diagnostics);
  const base: Record<string, unknown> =
    name === "docker" ? { enabled: true, endpoint: "" } : { enabled: true };
  for (const config of content.blocks) {
    const inner = config.body.content(schemaOf(settings, [], []), diagnostics);
    Object.assign(base, readSettings(settings, inner.attributes, diagnostics));
  }
  layer[{ docker: "docker", raw_exec: "rawExec", mock_driver: "mockDriver" }[name] as string] =
    base;
}

function settingsOf(block: Block, diagnostics: Diagnostic[]): Record<string, unknown> {
  const settings = BLOCKS[block.type] ?? {};
  const content = block.body.content(schemaOf(settings, [], []), diagnostics);
  return readSettings(settings, content.attributes, diagnostics);
}

function schemaOf(
  settings: Settings,
  blocks: readonly string[],
  labelled: readonly string[],
): BodySchema {
  return {
    attributes: Object.keys(settings).map((name) => ({ name })),
    blocks: [
      ...blocks.map((type) => ({ type, labels: [] })),
      ...labelled.map((type) => ({ type, labels: ["name"] })),
    ],
  };
}

function readSettings(
  settings: Settings,
  attributes: ReadonlyMap<string, Attribute>,
  diagnostics: Diagnostic[],
): Record<string, unknown> {
  const read: Record<string, unknown> = {};
  for (const [name, attribute] of attributes) {
    const setting = settings[name];
    if (!setting) continue;
    const value = evaluateAttribute(attribute, diagnostics);
    if (!hasErrors(diagnostics)) read[setting[0]] = setting[1](value, attribute, diagnostics);
  }
  return read;
}

function readMap(block: Block, diagnostics: Diagnostic[]): Record<string, string> {
  const map: Record<string, string> = {};
  for (const [name, attribute] of block.body.justAttributes(diagnostics)) {
    map[name] = primitiveText(evaluateAttribute(attribute, diagnostics));
  }
  return map;
}

function wrongType(attribute: Attribute, wanted: string, diagnostics: Diagnostic[]): undefined {
  const detail = `"${attribute.name}" must be ${wanted}.`;
  diagnostics.push(errorAt(attribute.range, "Wrong type of setting", detail));
  return undefined;
}
