/** The layers of DESIGN §2 as data: what each package may import. */

export interface PackageRule {
  readonly layer: "base" | "core" | "edge" | "program";
  /** Compiles without Node's types, clock and randomness. */
  readonly pure: boolean;
  /** Packages of ours. */
  readonly may: readonly string[];
  /** npm packages at run time. */
  readonly npm: readonly string[];
}

const CORE = [
  "base",
  "model",
  "node-raft",
  "hcl",
  "jobspec",
  "state",
  "scheduler",
  "control",
  "forecast",
  "api",
] as const;

export const LAYERS: Readonly<Record<string, PackageRule>> = {
  base: { layer: "base", pure: true, may: [], npm: [] },
  model: { layer: "base", pure: true, may: ["base"], npm: [] },
  "node-raft": { layer: "core", pure: false, may: [], npm: ["msgpackr", "ws"] },
  hcl: { layer: "core", pure: true, may: ["base"], npm: [] },
  jobspec: { layer: "core", pure: true, may: ["base", "model", "hcl"], npm: [] },
  state: { layer: "core", pure: true, may: ["base", "model"], npm: ["sorted-btree"] },
  scheduler: { layer: "core", pure: true, may: ["base", "model"], npm: [] },
  control: { layer: "core", pure: true, may: ["base", "model"], npm: [] },
  forecast: {
    layer: "core",
    pure: true,
    may: ["base", "model", "scheduler", "control"],
    npm: [],
  },
  api: { layer: "core", pure: true, may: ["base", "model"], npm: [] },
  wire: { layer: "edge", pure: false, may: ["base", "node-raft"], npm: ["ws", "msgpackr"] },
  drivers: { layer: "edge", pure: false, may: ["base", "model"], npm: ["dockerode"] },
  discovery: { layer: "edge", pure: false, may: ["base", "model"], npm: ["consul"] },
  client: {
    layer: "edge",
    pure: false,
    may: ["base", "model", "wire", "drivers", "discovery"],
    npm: [],
  },
  server: { layer: "edge", pure: false, may: [...CORE, "wire"], npm: [] },
  agent: {
    layer: "program",
    pure: false,
    may: [...CORE, "wire", "drivers", "discovery", "client", "server"],
    npm: ["hono", "@hono/node-server", "pino", "prom-client"],
  },
  cli: {
    layer: "program",
    pure: false,
    may: ["base", "model", "hcl", "api", "jobspec", "agent"],
    npm: [],
  },
};

export function packageName(folder: string): string {
  return folder === "node-raft" ? "@raft/node-raft" : `@drover/${folder}`;
}

/** `@drover/model/testing` → model; undefined for what is not ours. */
export function ownPackage(specifier: string): string | undefined {
  const match = /^@drover\/([a-z-]+)|^@raft\/(node-raft)/.exec(specifier);
  return match ? (match[1] ?? match[2]) : undefined;
}
