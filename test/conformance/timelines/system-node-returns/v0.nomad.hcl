job "snr" {
  type = "system"
  group "agent" {
    update {
      max_parallel      = 1
      min_healthy_time  = "500ms"
      healthy_deadline  = "6s"
      progress_deadline = "20s"
    }
    restart {
      attempts = 0
      mode     = "fail"
    }
    task "main" {
      driver = "mock_driver"
      config {
        run_for = "30m"
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
