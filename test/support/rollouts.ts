/**
 * Changes of a running service, each played to its end: rolling updates, reverts (by hand, in the
 * middle of an update, by the cluster because the version is bad), drains of a machine, and updates
 * in which an agent dies and is started again.
 */
import { endedDeployment } from "../bench/job.ts";
import type { AllocDoc, DeploymentDoc, TestApi } from "./api.ts";
import type { TestCluster } from "./cluster.ts";
import { containersOf } from "./real-parts.ts";
import { waitUntil } from "./wait.ts";

export type Change =
  | "update"
  | "update, an agent killed"
  | "drain"
  | "revert"
  | "revert midway"
  | "revert of a bad version";

export interface Played {
  readonly change: Change;
  readonly from: number;
  readonly to: number;
}

/** Allocations of the job. */
export const COUNT = 6;
const CHANGE_MS = 60_000;
/** Versions of the image that serve, and one that does not. */
const IMAGES = ["0.1", "0.2"] as const;
const BAD_IMAGE = "0.3";

export class Rollouts {
  readonly #cluster: TestCluster;
  readonly #job: string;
  readonly #shutdownDelay: string;
  #image = 0;
  #drained = 0;
  #killed = 0;

  /** `shutdownDelay`: how long every stop sleeps between leaving the catalog and the signal. */
  constructor(
    cluster: TestCluster,
    options: { readonly job: string; readonly shutdownDelay?: string },
  ) {
    this.#cluster = cluster;
    this.#job = options.job;
    this.#shutdownDelay = options.shutdownDelay ?? "0s";
  }

  /** The first version, healthy. */
  async begin(): Promise<void> {
    await this.#roll(IMAGES[0]);
  }

  async play(change: Change): Promise<Played> {
    const from = Date.now();
    await this.#acts[change]();
    return { change, from, to: Date.now() };
  }

  /** What was stopped has ended: as many containers as there are allocations. */
  async settled(): Promise<void> {
    await waitUntil(
      async () => containersOf(await this.#cluster.clusterId()),
      (all) => all.length === COUNT,
      { timeoutMs: CHANGE_MS, what: `${COUNT} containers` },
    );
  }

  readonly #acts: Readonly<Record<Change, () => Promise<void>>> = {
    update: () => this.#roll(this.#nextImage()),
    "update, an agent killed": async () => {
      const from = Date.now();
      await this.#submit(this.#nextImage());
      await this.#firstBatch();
      await this.#killOne();
      await this.#succeeded(from);
    },
    revert: () => this.#revert(),
    "revert midway": async () => {
      await this.#submit(this.#nextImage());
      await this.#firstBatch();
      await this.#revert();
    },
    "revert of a bad version": () => this.#rollBadVersion(),
    drain: () => this.#drain(),
  };

  get #api(): TestApi {
    const [agent] = this.#cluster.alive;
    if (agent === undefined) throw new Error("no agent lives");
    return agent.api;
  }

  #nextImage(): string {
    this.#image += 1;
    return IMAGES[this.#image % IMAGES.length] ?? "";
  }

  async #submit(image: string): Promise<void> {
    const healthyDeadline = image === BAD_IMAGE ? "3s" : "20s";
    const shutdownDelay = this.#shutdownDelay;
    await this.#api.run(steadyJob({ name: this.#job, image, healthyDeadline, shutdownDelay }));
  }

  async #roll(image: string): Promise<void> {
    const from = Date.now();
    await this.#submit(image);
    await this.#succeeded(from);
  }

  async #revert(): Promise<void> {
    const from = Date.now();
    const { Version } = await this.#api.get<{ Version: number }>(`/v1/job/${this.#job}`);
    const body = { JobID: this.#job, JobVersion: Version - 1 };
    await this.#api.put(`/v1/job/${this.#job}/revert`, body);
    this.#image += 1;
    await this.#succeeded(from, Version + 1);
  }

  async #rollBadVersion(): Promise<void> {
    const from = Date.now();
    await this.#submit(BAD_IMAGE);
    const { Version } = await this.#api.get<{ Version: number }>(`/v1/job/${this.#job}`);
    await this.#succeeded(from, Version + 1);
  }

  async #succeeded(from: number, version = 0): Promise<void> {
    const ended = await endedDeployment(this.#api, this.#job, from, version);
    if (ended.Status === "successful") return;
    throw new Error(`version ${ended.JobVersion} ${ended.Status}: ${ended.StatusDescription}`);
  }

  async #firstBatch(): Promise<void> {
    const { Version } = await this.#api.get<{ Version: number }>(`/v1/job/${this.#job}`);
    await waitUntil(
      () => this.#api.get<DeploymentDoc>(`/v1/job/${this.#job}/deployment`),
      (d) => d.JobVersion === Version && (d.TaskGroups.web?.HealthyAllocs ?? 0) >= 2,
      { timeoutMs: CHANGE_MS, what: "the first batch to be healthy" },
    );
  }

  /** In turn; never the first, which is asked. Its containers run on. */
  async #killOne(): Promise<void> {
    const [, ...others] = this.#cluster.agents;
    const victim = others[this.#killed++ % others.length];
    if (victim === undefined) throw new Error("there is one agent only");
    await this.#cluster.kill(victim);
    this.#cluster.boot(victim);
    await this.#cluster.ready(this.#cluster.agents.length);
  }

  async #drain(): Promise<void> {
    const agents = this.#cluster.alive;
    const { name } = agents[this.#drained++ % agents.length] ?? {};
    const nodes = await this.#api.get<{ ID: string; Name: string }[]>("/v1/nodes");
    const id = nodes.find((node) => node.Name === name)?.ID ?? "";
    const path = `/v1/node/${id}/drain`;
    await this.#api.put(path, { DrainSpec: { Deadline: CHANGE_MS * 1e6 } });
    await waitUntil(
      () => this.#api.get<AllocDoc[]>(`/v1/job/${this.#job}/allocations`),
      (allocs) => {
        const wanted = allocs.filter((alloc) => alloc.DesiredStatus === "run");
        return wanted.length === COUNT && wanted.every((alloc) => movedAndServing(alloc, id));
      },
      { timeoutMs: CHANGE_MS, what: `six serving allocations beside ${name}` },
    );
    await this.#api.put(path, { DrainSpec: null, MarkEligible: true });
  }
}

function movedAndServing(alloc: AllocDoc, drained: string): boolean {
  const healthy = alloc.DeploymentStatus?.Healthy === true;
  return alloc.NodeID !== drained && alloc.ClientStatus === "running" && healthy;
}

interface SteadyOptions {
  readonly name: string;
  readonly image: string;
  readonly healthyDeadline: string;
  readonly shutdownDelay: string;
}

function steadyJob({ name, image, healthyDeadline, shutdownDelay }: SteadyOptions): string {
  return `
job "${name}" {
  datacenters = ["dc1"]
  group "web" {
    count = ${COUNT}
    update {
      max_parallel      = 2
      min_healthy_time  = "1s"
      healthy_deadline  = "${healthyDeadline}"
      progress_deadline = "0s"
      auto_revert       = true
    }
    migrate {
      max_parallel     = 2
      min_healthy_time = "1s"
      healthy_deadline = "10s"
    }
    restart {
      attempts = 0
      mode     = "fail"
    }
    network {
      port "http" {}
    }
    task "server" {
      driver         = "docker"
      shutdown_delay = "${shutdownDelay}"
      config {
        image        = "steady-server:${image}"
        network_mode = "host"
      }
      env {
        PORT = "\${NOMAD_PORT_http}"
        BIND = "\${NOMAD_IP_http}"
      }
      resources {
        cpu    = 50
        memory = 32
      }
      service {
        name     = "${name}"
        port     = "http"
        provider = "consul"
        check {
          type     = "http"
          path     = "/health"
          interval = "1s"
          timeout  = "5s"
        }
      }
    }
  }
}
`;
}
