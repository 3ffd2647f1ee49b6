use pawl_domain::store::{ConjurAuth, ConjurStore, ConjurToken};

fields!(ConjurStore {
    "url" => must url,
    "account" => must account,
    "auth" => must auth,
    "ca_bundle" => may ca_bundle,
    "ca_provider" => may ca_provider,
});

// Without its host a store would read with another identity than was declared.
choices!(ConjurAuth {
    "ApiKey" => ApiKey {
        "user" => must user,
        "key" => must key,
    },
    "Jwt" => Jwt {
        "service" => must service,
        "host" => must host,
        "token" => must token,
    },
    "Certificate" => Certificate {
        "service" => must service,
        "host" => must host,
        "certificate" => must certificate,
        "key" => must key,
    },
});

choices!(ConjurToken {
    "Secret" => Secret(at),
    "ServiceAccount" => ServiceAccount {
        "name" => must name,
        "namespace" => may namespace,
        "audiences" => must audiences,
    },
});
