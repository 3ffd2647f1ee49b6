use pawl_domain::store::{IbmAuth, IbmStore};

fields!(IbmStore {
    "url" => must url,
    "iam" => must iam,
    "auth" => must auth,
});

choices!(IbmAuth {
    "ApiKey" => ApiKey(at),
    "Profile" => Profile {
        "profile" => must profile,
        "account" => must account,
        "namespace" => may namespace,
        "audiences" => must audiences,
    },
});
