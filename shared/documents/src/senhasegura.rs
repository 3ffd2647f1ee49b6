use pawl_domain::store::SenhaseguraStore;

fields!(SenhaseguraStore {
    "url" => must url,
    "client_id" => must client_id,
    "client_secret" => must client_secret,
});
