use pawl_domain::store::BeyondtrustWorkloadCredentialsStore;

fields!(BeyondtrustWorkloadCredentialsStore {
    "api_url" => must api_url,
    "site_id" => must site_id,
    "token" => must token,
    "folder_path" => must folder_path,
    "ca_bundle" => may ca_bundle,
    "ca_provider" => may ca_provider,
});
