# What Pawl may do for service accounts: each reads below a folder that is called as its namespace, and nothing else.
# `roles.sh kubernetes` puts the accessor of the auth method in place of ACCESSOR. Put the mount's path in place of `secret`.

path "secret/data/{{identity.entity.aliases.ACCESSOR.metadata.service_account_namespace}}/*" {
  capabilities = ["read"]
}

path "secret/metadata/{{identity.entity.aliases.ACCESSOR.metadata.service_account_namespace}}/*" {
  capabilities = ["read", "list"]
}

path "auth/token/renew-self" {
  capabilities = ["update"]
}

path "auth/token/revoke-self" {
  capabilities = ["update"]
}
