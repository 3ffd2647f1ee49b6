use pawl_domain::store::VolcengineStore;

// Without its token an access key of a session proves nothing.
fields!(VolcengineStore {
    "region" => must region,
    "access_key_id" => must access_key_id,
    "secret_access_key" => must secret_access_key,
    "token" => must token,
});
