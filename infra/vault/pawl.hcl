# What Pawl may do in a Vault or OpenBao server: read the keys of one mount of KV version 2, and nothing else.
# Put the mount's path in place of `secret`, or the part of it that the clusters' stores may use: `secret/data/shop/*`.

# Values. Enough by itself: without the rest versions are told by reading values, and searches are refused.
path "secret/data/*" {
  capabilities = ["read"]
}

# Versions without values, which is what sweeps ask for; metadataPolicy Fetch; find by tags.
path "secret/metadata/*" {
  capabilities = ["read", "list"]
}

# Lists of the whole mount, for find without a path.
path "secret/metadata" {
  capabilities = ["list"]
}

# A token may be renewed and given back. The policy `default` allows this too; roles without it need it here.
path "auth/token/renew-self" {
  capabilities = ["update"]
}

path "auth/token/revoke-self" {
  capabilities = ["update"]
}
