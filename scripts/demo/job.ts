/** The demo's job file; between versions only the image, or the program's argument, changes. */
import { join } from "node:path";

export const JOB = "geo-api-server";

/** What serves: an image on Docker, else a program of this machine. */
export function jobFile(version: string, onDocker: boolean): string {
  return `job "${JOB}" {
  group "api-server" {
    count = 6

    update {
      max_parallel      = 2
      min_healthy_time  = "2s"
      healthy_deadline  = "20s"
      progress_deadline = "40s"
      auto_revert       = true
    }
    restart {
      attempts = 0
      mode     = "fail"
    }
    reschedule {
      attempts  = 0
      unlimited = false
    }

    network {
      port "http" {}
    }

    task "server" {
      shutdown_delay = "200ms"
${onDocker ? dockerTask(version) : programTask(version)}
      env {
        PORT = "\${NOMAD_PORT_http}"
        BIND = "\${NOMAD_IP_http}"
      }
      resources {
        cpu    = 50
        memory = 64
      }
      service {
        name     = "${JOB}"
        port     = "http"
        provider = "${onDocker ? "consul" : "nomad"}"
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

function dockerTask(version: string): string {
  return `      driver = "docker"
      config {
        image        = "${JOB}:${version}"
        network_mode = "host"
      }`;
}

function programTask(version: string): string {
  const program = join(import.meta.dirname, "geo-api.ts");
  return `      driver = "raw_exec"
      config {
        command = ${JSON.stringify(process.execPath)}
        args    = [${JSON.stringify(program)}, "${version}"]
      }`;
}
