# Drover's agent reads every *.hcl file of this directory, in the order of their names; a later file
# wins. As it stands, this machine is a cluster of its own, reachable from this machine only.

data_dir = "/var/lib/drover"

# Traffic between machines is not authenticated yet: bind to an address of a network you trust.
bind_addr = "127.0.0.1"

server {
  enabled = true
  # As many servers as form the cluster together; 0 to join one that exists.
  bootstrap_expect = 1
}

client {
  enabled = true
}

# Machines to find the cluster through: address or address:port.
# join = ["10.0.0.1", "10.0.0.2"]

# Services and checks are Drover's own unless a Consul agent runs on this machine.
# consul {
#   address = "127.0.0.1:8500"
# }

# Programs run without any isolation, as root.
# plugin "raw_exec" {
#   config {
#     enabled = true
#   }
# }
