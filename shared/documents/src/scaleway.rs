use pawl_domain::store::ScalewayStore;

fields!(ScalewayStore {
    "api_url" => must api_url,
    "region" => must region,
    "project_id" => must project_id,
    "secret_key" => must secret_key,
});
