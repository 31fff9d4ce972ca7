/** Which real parts this run has; `make test` starts them and sets the variables. */
import { request } from "node:http";

export const DOCKER = process.env.DROVER_TEST_DOCKER ?? "";
export const CONSUL = process.env.DROVER_TEST_CONSUL ?? "";

/** Why a test that needs them cannot run; false = it can. */
export function lacking(...parts: readonly ("docker" | "consul")[]): string | false {
  if (parts.includes("docker") && DOCKER === "") {
    return "no Docker engine: run `node scripts/infra.ts up` and set DROVER_TEST_DOCKER";
  }
  if (parts.includes("consul") && CONSUL === "") {
    return "no Consul agent: run `node scripts/infra.ts up` and set DROVER_TEST_CONSUL";
  }
  return false;
}

export interface ContainerDoc {
  readonly Id: string;
  readonly State: string;
  readonly Names: readonly string[];
  readonly Labels: Readonly<Record<string, string>>;
}

function dockerGet(path: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath: DOCKER.replace(/^unix:\/\//, ""), path }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => resolve(JSON.parse(text)));
    });
    call.on("error", reject);
    call.end();
  });
}

/** Containers of one cluster, running or not. */
export async function containersOf(clusterId: string): Promise<readonly ContainerDoc[]> {
  const all = (await dockerGet("/containers/json?all=1")) as readonly ContainerDoc[];
  return all.filter((one) => Object.values(one.Labels).includes(clusterId));
}

export async function inspectContainer(
  id: string,
): Promise<{ Id: string; State: { Pid: number; StartedAt: string } }> {
  return (await dockerGet(`/containers/${id}/json`)) as never;
}

export interface ConsulService {
  readonly ID: string;
  readonly Service: string;
  readonly Address: string;
  readonly Port: number;
  readonly Meta: Readonly<Record<string, string>>;
}

export async function consulServices(): Promise<readonly ConsulService[]> {
  const answer = await fetch(`http://${CONSUL}/v1/agent/services`);
  return Object.values((await answer.json()) as Record<string, ConsulService>);
}

export async function consulPut(path: string, body?: unknown): Promise<void> {
  const answer = await fetch(`http://${CONSUL}/v1${path}`, {
    method: "PUT",
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  await answer.text();
  if (!answer.ok) throw new Error(`PUT ${path}: ${answer.status}`);
}
