/** The job of the walkthrough, its times shortened. */
export interface GeoOptions {
  readonly image: string;
  /** Where the image is pulled from, when it is not the engines' own. */
  readonly repository?: string;
  readonly count?: number;
  readonly autoRevert?: boolean;
  readonly progressDeadline?: string;
  readonly minHealthy?: string;
  readonly healthyDeadline?: string;
  readonly canary?: number;
  /** As written in the file: `2` or `"34%"`. */
  readonly maxParallel?: string;
  readonly maxSurge?: string;
  readonly name?: string;
  readonly provider?: "consul" | "nomad";
  /** Blocks of the group written out, e.g. restart and reschedule. */
  readonly group?: string;
}

export function geoJob(options: GeoOptions): string {
  const name = options.name ?? "geo-api-server";
  return `
job "${name}" {
  datacenters = ["dc1"]
  group "api-server" {
    count = ${options.count ?? 6}
    update {
      max_parallel      = ${options.maxParallel ?? "2"}
      ${options.maxSurge === undefined ? "" : `max_surge = ${options.maxSurge}`}
      min_healthy_time  = "${options.minHealthy ?? "1s"}"
      healthy_deadline  = "${options.healthyDeadline ?? "8s"}"
      progress_deadline = "${options.progressDeadline ?? "0s"}"
      auto_revert       = ${options.autoRevert ?? false}
      canary            = ${options.canary ?? 0}
    }
    ${options.group ?? ""}
    network {
      port "http" {}
    }
    task "server" {
      driver = "docker"
      config {
        image        = "${options.repository ?? "geo-api-server"}:${options.image}"
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
        provider = "${options.provider ?? "consul"}"
        check {
          type     = "http"
          path     = "/health"
          interval = "1s"
          timeout  = "1s"
        }
      }
    }
  }
}
`;
}

export const NO_RETRIES = `
    restart {
      attempts = 0
      mode     = "fail"
    }
    reschedule {
      attempts  = 0
      unlimited = false
    }
`;
