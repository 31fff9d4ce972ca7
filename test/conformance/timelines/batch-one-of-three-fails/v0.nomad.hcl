job "bo3" {
  type = "batch"
  group "good" {
    count = 2
    restart {
      attempts = 0
      mode     = "fail"
    }
    reschedule {
      attempts = 1
      interval = "1h"
      delay    = "5s"
    }
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
  group "bad" {
    count = 1
    restart {
      attempts = 0
      mode     = "fail"
    }
    reschedule {
      attempts = 1
      interval = "1h"
      delay    = "5s"
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
