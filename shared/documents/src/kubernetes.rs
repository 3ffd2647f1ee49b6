use pawl_domain::store::{
    ApiAuth, ApiServer, CrdResource, CrdRule, CrdStore, KubernetesApi, KubernetesStore,
};

fields!(KubernetesStore {
    "api" => must api,
    "remote_namespace" => must remote_namespace,
});

choices!(KubernetesApi {
    "Server" => Server {
        "server" => must server,
        "auth" => must auth,
    },
    "Kubeconfig" => Kubeconfig(at),
});

choices!(ApiServer {
    "Own" => Own,
    "At" => At {
        "url" => must url,
        "ca_bundle" => may ca_bundle,
        "ca_provider" => may ca_provider,
    },
});

// A token without its audiences would be one for the API server that makes it.
choices!(ApiAuth {
    "Token" => Token(at),
    "Certificate" => Certificate(certificate),
    "ServiceAccount" => ServiceAccount {
        "name" => must name,
        "namespace" => must namespace,
        "audiences" => must audiences,
    },
});

// Without its whitelist, or with another namespace, a store would read what it may not.
fields!(CrdStore {
    "api" => must api,
    "resource" => must resource,
    "whitelist" => must whitelist,
    "namespace" => must namespace,
});

fields!(CrdResource {
    "group" => must group,
    "version" => must version,
    "kind" => must kind,
});

fields!(CrdRule {
    "name" => must name,
    "namespace" => must namespace,
    "properties" => must properties,
});
