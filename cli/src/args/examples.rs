//! What `--help` shows of each verb. A test types each line.

/// The examples of one verb.
macro_rules! examples {
    ($($verb:ident: $($line:literal),+;)+) => {
        $(pub(super) const $verb: &str = concat!("Examples:" $(, "\n  pawl ", $line)+);)+
    };
}

examples! {
    APPLY:
        "apply -f manifests/ --cluster prod-eu --set shop --prune",
        "apply --clusters -f clusters.yaml                 # by an administrator";
    PLAN:
        "plan -f manifests/ --cluster prod-eu --set shop --prune",
        "plan -f manifests/ -o json";
    CHECK: "check -f manifests/";
    CONVERT:
        "convert -f vault-secrets-operator/",
        "convert -f old/ --region eu-central-1 --service-account reader";
    RENDER: "render -f es.yaml --values values.json --decode";
    GET:
        "get",
        "get declarations prod-eu/shop --selector team=shop",
        "get --watch",
        "get stores -o wide";
    STATUS: "status", "status --watch", "status -l tier=prod -o json";
    REPORT: "report", "report --older-than 180 -o csv";
    DELETE: "delete prod-eu/shop/db", "delete cluster prod-eu --force";
    SYNC: "sync app/db", "sync prod-eu/shop/db", "sync app/db --accept-older     # after a restored backup";
    EXPLAIN:
        "explain prod-eu/shop/db",
        "explain prod-eu/shop/db --offline",
        "explain event.json",
        "explain PAWL-FETCH-DENIED";
    HISTORY: "history prod-eu/shop/db";
    DIFF: "diff prod-eu/shop/db", "diff prod-eu/shop", "diff prod-eu --selector team=shop";
    MIGRATE: "migrate prod-eu", "migrate prod-eu/shop --all";
    WHO: "who app/db", "who app/db --workloads", "who app/db --region eu-central-1";
    WAIT: "wait app/db --timeout 600", "wait app/db --version 7f3c --timeout 0";
    JOBS: "jobs list", "jobs show 7", "jobs redrive --all", "jobs delete --all-dead";
    SWEEP: "sweep", "sweep --all";
    CLUSTERS:
        "clusters import --eks --region eu-central-1,eu-west-1 --role arn:aws:iam::123456789012:role/pawl-cluster --tag tier=prod";
    RBAC: "rbac --namespaces shop,billing", "rbac --namespaces shop --profile index";
    SERVE: "serve --listen 127.0.0.1:8080", "serve --sweep 30s --index 5m";
    CONSOLE: "console", "console --listen 127.0.0.1:9000", "console --table pawl --jobs https://sqs.eu-central-1.amazonaws.com/1/jobs";
    MAN: "man man1/";
    COMPLETIONS: "completions bash", "completions zsh";
}
