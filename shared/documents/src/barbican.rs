use pawl_domain::store::{BarbicanStore, BarbicanUser};

fields!(BarbicanStore {
    "auth_url" => must auth_url,
    "tenant_name" => must tenant_name,
    "domain_name" => must domain_name,
    "region" => must region,
    "user" => must user,
    "password" => must password,
});

choices!(BarbicanUser {
    "Named" => Named(name),
    "Secret" => Secret(at),
});
