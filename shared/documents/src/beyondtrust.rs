use pawl_domain::store::{BeyondtrustAuth, BeyondtrustCertificate, BeyondtrustKeys, BeyondtrustStore};

// Without its separator a store would read its keys otherwise, and without its certificate as nobody.
fields!(BeyondtrustStore {
    "api_url" => must api_url,
    "api_version" => may api_version,
    "keys" => must keys,
    "separator" => must separator,
    "auth" => must auth,
    "certificate" => must certificate,
});

choices!(BeyondtrustKeys {
    "Secrets" => Secrets,
    "Encrypted" => Encrypted,
    "ManagedAccounts" => ManagedAccounts,
});

choices!(BeyondtrustAuth {
    "ApiKey" => ApiKey(key),
    "Client" => Client {
        "id" => must id,
        "secret" => must secret,
    },
});

fields!(BeyondtrustCertificate {
    "certificate" => must certificate,
    "key" => must key,
});
