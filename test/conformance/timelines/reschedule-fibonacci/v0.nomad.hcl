job "rsfibo" {
  type = "service"
  group "api" {
    count = 1
    update {
      max_parallel      = 0
    }
    restart {
      attempts = 0
      mode     = "fail"
    }
    reschedule {
      delay          = "5s"
      delay_function = "fibonacci"
      max_delay      = "1m"
      unlimited      = true
    }
    task "main" {
      driver = "mock_driver"
      config {
        run_for = "300ms"
        exit_code = 1
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
