use pawl_domain::store::{DopplerAuth, DopplerStore};

// Without its project or config a store would read other secrets than were declared.
fields!(DopplerStore {
    "auth" => must auth,
    "project" => must project,
    "config" => must config,
    "name_transformer" => must name_transformer,
    "format" => must format,
});

choices!(DopplerAuth {
    "Token" => Token(at),
    "Oidc" => Oidc {
        "identity" => must identity,
        "account" => must account,
        "namespace" => may namespace,
        "audiences" => must audiences,
    },
});
