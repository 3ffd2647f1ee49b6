use pawl_domain::store::OnePasswordStore;

// Without its vaults, in their order, a store would read other items than were declared.
fields!(OnePasswordStore {
    "connect_host" => must connect_host,
    "connect_token" => must connect_token,
    "vaults" => must vaults,
});
