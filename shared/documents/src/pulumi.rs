use pawl_domain::store::{PulumiAuth, PulumiStore};

fields!(PulumiStore {
    "api_url" => must api_url,
    "organization" => must organization,
    "project" => must project,
    "environment" => must environment,
    "auth" => must auth,
});

choices!(PulumiAuth {
    "AccessToken" => AccessToken(token),
    "ServiceAccount" => ServiceAccount {
        "organization" => must organization,
        "name" => must name,
        "namespace" => may namespace,
        "audiences" => must audiences,
        "seconds" => must seconds,
    },
});
