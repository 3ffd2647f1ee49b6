use pawl_domain::store::BitwardenStore;

// Without its project a store would read other secrets than were declared.
fields!(BitwardenStore {
    "server" => must server,
    "api" => must api,
    "identity" => must identity,
    "organization" => must organization,
    "project" => must project,
    "token" => must token,
    "ca_bundle" => may ca_bundle,
    "ca_provider" => may ca_provider,
});
