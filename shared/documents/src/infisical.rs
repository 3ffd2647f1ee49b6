use pawl_domain::store::{InfisicalAuth, InfisicalStore};

fields!(InfisicalStore {
    "host_api" => must host_api,
    "project" => must project,
    "environment" => must environment,
    "path" => must path,
    "recursive" => must recursive,
    "expands" => must expands,
    "organization" => must organization,
    "auth" => must auth,
    "ca_bundle" => may ca_bundle,
    "ca_provider" => may ca_provider,
});

choices!(InfisicalAuth {
    "Universal" => Universal { "id" => must id, "secret" => must secret },
    "Jwt" => Jwt { "identity" => must identity, "jwt" => must jwt },
    "Ldap" => Ldap { "identity" => must identity, "username" => must username, "password" => must password },
    "Token" => Token(token),
});
