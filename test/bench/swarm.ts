/**
 * Docker Swarm under the same load, on an engine of its own. Its balancer needs IPVS, which not
 * every kernel has, so clients get the containers' addresses from Consul as with Drover: in when the
 * engine calls a container healthy, out at the event of its signal, which is the first that anybody
 * outside Swarm hears of a stop.
 */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { type Engine, socketOf, startDocker, stopDocker } from "../../scripts/infra/docker.ts";
import { ensureSteady } from "../../scripts/infra/images.ts";
import { INFRA_DIR } from "../../scripts/infra/run.ts";
import { type Drops, underLoad } from "../support/drops.ts";
import { consulPut } from "../support/real-parts.ts";
import { waitUntil } from "../support/wait.ts";
import { type EngineEvent, EngineEvents, engineCall } from "./docker-engine.ts";

const ENGINE: Engine = {
  daemon: "dockerd-swarm",
  home: join(INFRA_DIR, "swarm"),
  bridge: "drover-swarm0",
  bridgeAddress: "172.28.240.1/24",
  // Its rules would be among those of the other engine; the host reaches the bridge without any.
  flags: ["--iptables=false", "--ip6tables=false"],
};
/** A bridge that every engine in swarm mode makes. */
const SWARM_BRIDGE = "docker_gwbridge";
const LISTEN = "127.200.1.1";
const SERVICE = `steady-swarm-${process.pid}`;
const COUNT = 6;
const PORT = 8080;
const SECOND = 1e9;
const UPDATE_MS = 120_000;
const IMAGES = ["0.1", "0.2"];

export async function swarmUnderLoad(updates: number): Promise<Drops> {
  const hadBridge = spawnSync("ip", ["link", "show", SWARM_BRIDGE]).status === 0;
  await startDocker(ENGINE);
  try {
    await ensureSteady(socketOf(ENGINE));
    await post("/swarm/init", {
      ListenAddr: `${LISTEN}:2377`,
      AdvertiseAddr: LISTEN,
      DataPathPort: 14_789,
    });
    const events = await EngineEvents.open(socketOf(ENGINE));
    const registrar = new Registrar(events);
    try {
      return await updateUnderLoad(updates, registrar);
    } finally {
      events.close();
      await registrar.clear();
    }
  } finally {
    await stopDocker(ENGINE);
    rmSync(ENGINE.home, { recursive: true, force: true });
    for (const bridge of [ENGINE.bridge, ...(hadBridge ? [] : [SWARM_BRIDGE])]) {
      spawnSync("ip", ["link", "del", bridge]);
    }
  }
}

async function updateUnderLoad(updates: number, registrar: Registrar): Promise<Drops> {
  await post("/services/create", serviceSpec(IMAGES[0] ?? ""));
  await waitUntil(
    () => registrar.size,
    (size) => size === COUNT,
    { timeoutMs: UPDATE_MS, what: `${COUNT} healthy containers of Swarm` },
  );
  return await underLoad(SERVICE, async (played) => {
    for (let i = 1; i <= updates; i++) {
      const from = Date.now();
      await update(IMAGES[i % IMAGES.length] ?? "");
      played.push({ change: "update", from, to: Date.now() });
    }
  });
}

interface ServiceDoc {
  readonly ID: string;
  readonly Version: { readonly Index: number };
  readonly UpdateStatus?: { readonly State: string; readonly StartedAt: string };
}

async function update(image: string): Promise<void> {
  const before = await service();
  const path = `/services/${before.ID}/update?version=${before.Version.Index}`;
  await post(path, serviceSpec(image));
  const { UpdateStatus: ended } = await waitUntil(
    service,
    ({ UpdateStatus: now }) =>
      now !== undefined &&
      now.StartedAt !== before.UpdateStatus?.StartedAt &&
      now.State !== "updating",
    { timeoutMs: UPDATE_MS, what: "the end of Swarm's update" },
  );
  if (ended?.State !== "completed") throw new Error(`Swarm's update ended as ${ended?.State}`);
}

async function service(): Promise<ServiceDoc> {
  return (await get(`/services/${SERVICE}`)) as ServiceDoc;
}

/** As close to the job of the rig as Swarm has it: two at a time, each watched for a second. */
function serviceSpec(image: string): unknown {
  const Healthcheck = {
    Test: ["CMD", "/steady", "--health"],
    Interval: SECOND,
    Timeout: SECOND,
    Retries: 3,
  };
  const ContainerSpec = {
    Image: `steady-server:${image}`,
    Healthcheck,
    StopGracePeriod: 10 * SECOND,
  };
  return {
    Name: SERVICE,
    TaskTemplate: { ContainerSpec },
    Mode: { Replicated: { Replicas: COUNT } },
    UpdateConfig: { Parallelism: 2, Monitor: SECOND, FailureAction: "pause", Order: "stop-first" },
    EndpointSpec: { Mode: "dnsrr" },
  };
}

/** Keeps Consul in line with the engine's containers. */
class Registrar {
  readonly #registered = new Set<string>();
  /** Calls are made in the order of the events. */
  #last: Promise<void> = Promise.resolve();
  #failure: unknown;

  constructor(events: EngineEvents) {
    events.onEvent = (event) => {
      this.#last = this.#last
        .then(() => this.#follow(event))
        .catch((error: unknown) => {
          this.#failure = error;
        });
    };
  }

  get size(): number {
    if (this.#failure !== undefined) throw this.#failure;
    return this.#registered.size;
  }

  async clear(): Promise<void> {
    await this.#last;
    for (const id of [...this.#registered]) await this.#remove(id);
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #follow({ action, containerId }: EngineEvent): Promise<void> {
    if (action === "health_status: healthy") await this.#add(containerId);
    if (action === "kill" || action === "die") await this.#remove(containerId);
  }

  async #add(id: string): Promise<void> {
    const { NetworkSettings } = (await get(`/containers/${id}/json`)) as {
      readonly NetworkSettings: { readonly IPAddress: string };
    };
    const { IPAddress: Address } = NetworkSettings;
    await consulPut("/agent/service/register", {
      ID: id,
      Name: SERVICE,
      Address,
      Port: PORT,
      Check: {
        HTTP: `http://${Address}:${PORT}/health`,
        Interval: "1s",
        Timeout: "5s",
        Status: "passing",
      },
    });
    this.#registered.add(id);
  }

  async #remove(id: string): Promise<void> {
    if (this.#registered.delete(id)) await consulPut(`/agent/service/deregister/${id}`);
  }
}

async function post(path: string, body: unknown): Promise<void> {
  await engineCall("POST", path, { body, socketPath: socketOf(ENGINE) });
}

async function get(path: string): Promise<unknown> {
  return JSON.parse((await engineCall("GET", path, { socketPath: socketOf(ENGINE) })).text);
}
