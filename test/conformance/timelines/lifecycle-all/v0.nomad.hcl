job "lcall" {
  type = "service"
  group "api" {
    count = 1
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
    reschedule {
      attempts  = 0
      unlimited = false
    }
    task "before" {
      driver = "mock_driver"
      lifecycle {
        hook    = "prestart"
        sidecar = false
      }
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
    task "beside" {
      driver = "mock_driver"
      lifecycle {
        hook    = "prestart"
        sidecar = true
      }
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
    task "after" {
      driver = "mock_driver"
      lifecycle {
        hook    = "poststart"
        sidecar = false
      }
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
    task "last" {
      driver = "mock_driver"
      lifecycle {
        hook = "poststop"
      }
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
