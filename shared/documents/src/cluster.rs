use pawl_domain::Cluster;
use pawl_domain::cluster::{Connection, TokenSource};

fields!(Cluster {
    "name" => must name,
    "labels" => may labels,
    "connection" => must connection,
    "index" => may index,
    "namespaces" => later namespaces,
});

choices!(Connection {
    "Eks" => Eks {
        "name" => must name,
        "region" => must region,
        "role" => may role,
        "endpoint" => may endpoint,
        "ca" => may ca,
    },
    "Kubeconfig" => Kubeconfig {
        "path" => must path,
        "context" => may context,
    },
    "Url" => Url {
        "url" => must url,
        "ca" => may ca,
        "token" => must token,
    },
});

choices!(TokenSource {
    "File" => File(path),
    "Env" => Env(name),
    "SecretsManager" => SecretsManager(name),
});
