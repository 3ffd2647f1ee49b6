use pawl_domain::store::PreviderStore;

fields!(PreviderStore {
    "base_uri" => must base_uri,
    "access_token" => must access_token,
});
