use pawl_domain::store::ChefStore;

fields!(ChefStore {
    "server_url" => must server_url,
    "username" => must username,
    "private_key" => must private_key,
});
