# Audit devices of OpenBao, in the server's own configuration; read at start and on SIGHUP. Vault has commands for it: README.md.

# One device that never waits for anybody must always be there: with a single device that blocks, the server answers nobody.
audit "file" "file" {
  description = "Every request and answer, hashed. Followed by pawl serve, Vector or Fluent Bit."
  options {
    file_path = "/var/log/openbao/audit.log"
    mode      = "0640"
  }
}

# To `pawl serve --vault-audit-listen tcp://127.0.0.1:9090` on the same machine.
audit "socket" "pawl" {
  description = "Changes to Pawl at once."
  options {
    address       = "127.0.0.1:9090"
    socket_type   = "tcp"
    write_timeout = "1s"
  }
}

# Where neither an agent nor `pawl serve` can run beside the server, and few requests come: to the URL of vault-audit, or to
# `pawl serve`. Every request to OpenBao then waits for two requests to Pawl.
#
# audit "http" "pawl" {
#   options {
#     uri     = "https://pawl.example.com/v1/vault/audit"
#     headers = "{\"Content-Type\":[\"application/json\"],\"X-Pawl-Token\":[\"env://PAWL_AUDIT_TOKEN\"]}"
#   }
# }
