use pawl_domain::store::FortanixStore;

fields!(FortanixStore {
    "api_url" => must api_url,
    "api_key" => must api_key,
});
