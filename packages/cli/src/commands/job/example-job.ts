/** The job file that `job init` writes. */

export const EXAMPLE_JOB = `# Run it with "drover run FILE", see it with "drover status example".
# Change something, e.g. the image, and see what would happen with "drover plan FILE".
job "example" {
  # Tasks of a group run together on one machine; count says how many such allocations there are.
  group "cache" {
    count = 1

    # How a new version replaces the running one.
    update {
      # So many allocations at a time.
      max_parallel = 1
      # A new allocation counts as healthy after running, with passing checks, for so long ...
      min_healthy_time = "10s"
      # ... and as failed if that did not happen within this time.
      healthy_deadline = "3m"
      # The deployment fails when nothing became healthy for so long.
      progress_deadline = "10m"
      # A failed deployment goes back to the last version that was stable.
      auto_revert = true
    }

    # A port of the machine, chosen when the allocation is placed, for port 6379 of the container.
    network {
      port "db" {
        to = 6379
      }
    }

    task "redis" {
      driver = "docker"

      config {
        image = "redis:7"
        ports = ["db"]
      }

      # MHz and MB that are set aside for the task.
      resources {
        cpu    = 200
        memory = 128
      }

      # Listed by "drover service info redis-cache". With provider = "consul" it is kept in Consul.
      service {
        name     = "redis-cache"
        port     = "db"
        provider = "nomad"

        check {
          type     = "tcp"
          interval = "10s"
          timeout  = "2s"
        }
      }
    }
  }
}
`;

/** The same without comments. */
export const SHORT_EXAMPLE_JOB = EXAMPLE_JOB.split("\n")
  .filter((line) => !line.trimStart().startsWith("#"))
  .join("\n");
