job "pest" {
  type = "batch"
  periodic {
    crons = ["0 0 1 1 *"]
  }
  group "api" {
    count = 1
    task "main" {
      driver = "mock_driver"
      config {
        run_for = "200ms"
      }
      env {
        V = "0"
      }
      resources {
        cpu    = 10
        memory = 10
      }
    }
  }
}
