use pawl_domain::store::PasswordDepotStore;

fields!(PasswordDepotStore {
    "url" => must url,
    "database" => must database,
    "username" => must username,
    "password" => must password,
});
