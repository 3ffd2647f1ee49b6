# The same for a mount of KV version 1, at `kv`. Any other engine that answers a plain read is allowed in the same way,
# such as `database/creds/app`.

path "kv/*" {
  capabilities = ["read", "list"]
}

path "auth/token/renew-self" {
  capabilities = ["update"]
}

path "auth/token/revoke-self" {
  capabilities = ["update"]
}
