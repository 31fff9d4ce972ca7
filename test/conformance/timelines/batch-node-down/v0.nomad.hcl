job "bnd" {
  type = "batch"
  group "api" {
    count = 3
    spread {
      attribute = "${node.unique.name}"
    }
    task "main" {
      driver = "mock_driver"
      config {
        run_for = "9s"
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
