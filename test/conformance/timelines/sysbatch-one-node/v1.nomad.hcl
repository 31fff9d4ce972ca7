job "sbo" {
  type = "sysbatch"
  group "api" {
    task "main" {
      driver = "mock_driver"
      config {
        run_for = "300ms"
      }
      env {
        V = "1"
      }
      resources {
        cpu    = 10
        memory = 10
      }
    }
  }
}
