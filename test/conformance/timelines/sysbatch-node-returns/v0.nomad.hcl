job "sbnr" {
  type = "sysbatch"
  group "api" {
    task "main" {
      driver = "mock_driver"
      config {
        run_for = "300ms"
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
