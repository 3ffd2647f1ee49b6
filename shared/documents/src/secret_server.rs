use pawl_domain::store::{Given, SecretServerAuth, SecretServerStore};

fields!(SecretServerStore {
    "url" => must url,
    "auth" => must auth,
    "ca_bundle" => may ca_bundle,
    "ca_provider" => may ca_provider,
});

// Without its domain a store would read with another identity than was declared.
choices!(SecretServerAuth {
    "Token" => Token(at),
    "Password" => Password {
        "user" => must user,
        "password" => must password,
        "domain" => must domain,
    },
});

choices!(Given {
    "Written" => Written(text),
    "At" => At(at),
});
