use pawl_domain::store::{WebhookSecret, WebhookStore};

// Without its method, body, headers or path a store would read something else than was declared.
fields!(WebhookStore {
    "url" => must url,
    "method" => must method,
    "headers" => must headers,
    "content_type" => must content_type,
    "body" => must body,
    "timeout" => may timeout,
    "json_path" => must json_path,
    "secrets" => must secrets,
    "ca_bundle" => may ca_bundle,
    "ca_provider" => may ca_provider,
});

fields!(WebhookSecret {
    "name" => must name,
    "secret" => must secret,
    "namespace" => may namespace,
});
