use pawl_domain::store::{OvhAuth, OvhStore};

fields!(OvhStore {
    "server" => must server,
    "okms_id" => must okms_id,
    "auth" => must auth,
});

choices!(OvhAuth {
    "Token" => Token(token),
    "Certificate" => Certificate {
        "client" => must client,
        "ca_bundle" => may ca_bundle,
        "ca_provider" => may ca_provider,
    },
});
