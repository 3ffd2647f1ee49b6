use pawl_domain::store::{AzureAuth, AzureCloud, AzureKvStore};

// Without any of these a store would be another vault, or be read with another identity.
fields!(AzureKvStore {
    "vault_url" => must vault_url,
    "cloud" => must cloud,
    "authority" => must authority,
    "auth" => must auth,
    "use_azure_sdk" => must use_azure_sdk,
});

choices!(AzureCloud {
    "Public" => Public,
    "UsGovernment" => UsGovernment,
    "China" => China,
    "German" => German,
    "Stack" => Stack,
});

choices!(AzureAuth {
    "Secret" => Secret {
        "tenant" => must tenant,
        "client_id" => must client_id,
        "client_secret" => must client_secret,
    },
    "Certificate" => Certificate {
        "tenant" => must tenant,
        "client_id" => must client_id,
        "certificate" => must certificate,
    },
    "ServiceAccount" => ServiceAccount {
        "name" => must name,
        "namespace" => may namespace,
        "audiences" => may audiences,
        "client_id" => may client_id,
        "tenant_ref" => may tenant_ref,
        "tenant" => may tenant,
    },
});
