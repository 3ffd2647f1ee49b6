use pawl_domain::store::DelineaStore;

fields!(DelineaStore {
    "url" => must url,
    "client_id" => must client_id,
    "client_secret" => must client_secret,
});
