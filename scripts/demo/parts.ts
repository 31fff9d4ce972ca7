/**
 * What the demo runs on: Docker and Consul where both answer; else, for root on Debian, an engine
 * and an agent of its own; else programs of this machine.
 */
import { CONSUL_ADDRESS } from "../infra/consul.ts";
import { DOCKER_ENDPOINT, dockerCall } from "../infra/docker.ts";
import { ensureGeoApi } from "../infra/images.ts";
import { hasCommand, isRoot } from "../infra/run.ts";
import { infraDown, infraEnv, infraUp } from "../infra.ts";

/** The version 0.33 of the image must not exist: it is the bad one. */
const IMAGE_TAGS = ["0.1", "0.2"];

export interface DemoParts {
  /** null: raw_exec and built-in checks. */
  readonly real: { readonly docker: string; readonly consul: string } | null;
  readonly says: string;
  /** Takes away what was set up for the demo. */
  readonly restore: () => Promise<void>;
}

/** Real parts of the demo's own, programs of this machine, or the best that is there. */
export type Wanted = "own" | "embedded" | "best";

/** Throws when parts of its own are wanted and cannot be had. */
export async function findParts(wanted: Wanted): Promise<DemoParts> {
  if (wanted === "embedded") return embedded("As asked");
  if (wanted === "own") {
    const own = await setUpParts();
    if (own !== null) return own;
    throw new Error(
      "Docker and Consul could not be set up: it takes root and apt (Debian 12). `make demo` runs without them.",
    );
  }
  const docker = process.env.DOCKER_HOST ?? "unix:///var/run/docker.sock";
  const consul = (process.env.CONSUL_HTTP_ADDR ?? "127.0.0.1:8500").replace(/^http:\/\//, "");
  const lack = (await lackOfDocker(docker)) ?? (await lackOfConsul(consul));
  if (lack !== null) return (await setUpParts()) ?? embedded(lack);
  const built = await buildImages(docker);
  return {
    real: { docker, consul },
    says: `Docker answers at ${docker} and Consul at ${consul}: the demo runs on them.`,
    restore: () => removeImages(docker, built),
  };
}

/** null where they cannot be had: not root, or not Debian. */
async function setUpParts(): Promise<DemoParts | null> {
  if (!isRoot() || !hasCommand("apt-get")) return null;
  console.log("Setting up a Docker engine and a Consul agent for the demo (apt) ...");
  const before = Object.keys(infraEnv()).length;
  await infraUp();
  const env = infraEnv();
  if (env.DROVER_TEST_DOCKER === undefined || env.DROVER_TEST_CONSUL === undefined) {
    if (before === 0) await infraDown();
    return null;
  }
  return {
    real: { docker: DOCKER_ENDPOINT, consul: CONSUL_ADDRESS },
    says: "A Docker engine and a Consul agent of the demo's own are running.",
    restore: async () => {
      if (before === 0) await infraDown();
    },
  };
}

function embedded(why: string): DemoParts {
  return {
    real: null,
    says: `${why}: the demo runs programs of this machine (raw_exec) with built-in checks instead.`,
    restore: () => Promise.resolve(),
  };
}

async function lackOfDocker(endpoint: string): Promise<string | null> {
  if (!endpoint.startsWith("unix://")) return `Docker at ${endpoint} is not on this machine`;
  const socketPath = socketOf(endpoint);
  const answer = await dockerCall("GET", "/_ping", { socketPath }).catch(() => ({ status: 0 }));
  if (answer.status !== 200) return "Docker does not answer";
  const found = await Promise.all(
    IMAGE_TAGS.map((tag) =>
      dockerCall("GET", `/images/geo-api-server:${tag}/json`, { socketPath }),
    ),
  );
  const complete = found.every(({ status }) => status === 200);
  return complete || hasCommand("gcc") ? null : "Its image cannot be built without gcc";
}

async function lackOfConsul(address: string): Promise<string | null> {
  const answer = await fetch(`http://${address}/v1/status/leader`, {
    signal: AbortSignal.timeout(2_000),
  }).catch(() => ({ ok: false }));
  return answer.ok ? null : "Consul does not answer";
}

async function buildImages(endpoint: string): Promise<string[]> {
  const built: string[] = [];
  for (const tag of IMAGE_TAGS) {
    if (await ensureGeoApi(tag, socketOf(endpoint))) built.push(tag);
  }
  return built;
}

async function removeImages(endpoint: string, tags: readonly string[]): Promise<void> {
  for (const tag of tags) {
    await dockerCall("DELETE", `/images/geo-api-server:${tag}`, { socketPath: socketOf(endpoint) });
  }
}

function socketOf(endpoint: string): string {
  return endpoint.slice("unix://".length);
}
