use pawl_domain::store::{AwsAuth, AwsDeletion, AwsService, AwsStore, SessionTagsPolicy};

// Without its auth and its roles a store would be read with another identity than was declared.
fields!(AwsStore {
    "service" => must service,
    "region" => must region,
    "auth" => must auth,
    "role" => must role,
    "additional_roles" => must additional_roles,
    "external_id" => may external_id,
    "session_tags" => may session_tags,
    "transitive_tag_keys" => may transitive_tag_keys,
    "session_tags_policy" => may session_tags_policy,
    "prefix" => may prefix,
    "max_retries" => may max_retries,
    "deletion" => later deletion,
});

choices!(AwsDeletion {
    "Default" => Default,
    "Forced" => Forced,
    "After" => After(days),
});

choices!(AwsService {
    "ParameterStore" => ParameterStore,
    "SecretsManager" => SecretsManager,
});

choices!(AwsAuth {
    "Ambient" => Ambient,
    "Static" => Static {
        "access_key_id" => must access_key_id,
        "secret_access_key" => must secret_access_key,
        "session_token" => may session_token,
    },
    "ServiceAccount" => ServiceAccount {
        "name" => must name,
        "namespace" => may namespace,
        "audiences" => may audiences,
    },
});

choices!(SessionTagsPolicy {
    "None" => None,
    "Simple" => Simple,
});
