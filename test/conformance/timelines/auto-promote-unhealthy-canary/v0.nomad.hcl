job "apuc" {
  type = "service"
  group "api" {
    count = 4
    update {
      max_parallel      = 2
      min_healthy_time  = "500ms"
      healthy_deadline  = "6s"
      progress_deadline = "20s"
      canary            = 2
      auto_promote      = true
    }
    restart {
      attempts = 0
      mode     = "fail"
    }
    reschedule {
      attempts  = 0
      unlimited = false
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
