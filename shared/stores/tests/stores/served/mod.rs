//! Stores on one server: the contract on their doubles, what each answer means, and what ESO's own providers made of the same
//! answers.

mod contract;
mod eso;
mod infisical;
mod more;
mod refusals;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::RsaKeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pawl_domain::store::Backend;
use pawl_domain::{Access, DigestKey, Grant, Home, SecretValue, Store};
use pawl_manifests::{ParseOptions, from_object};
use pawl_ports::Source;
use pawl_servers::pairs::{Pairs, Reply};
use pawl_stores::kit::{Bounds, OneServer, OneServerSources};
use pawl_stores::{
    BarbicanSources, BeyondtrustSources, BeyondtrustWorkloadCredentialsSources, ChefSources, DvlsSources,
    FortanixSources, InfisicalSources, OvhSources, PasswordDepotSources, PreviderSources, PulumiSources,
    ScalewaySources, SenhaseguraSources, YandexCertificateManagerSources, YandexLockboxSources,
};
use pawl_world::build::{cluster_name, namespace};
use pawl_world::{FakeClock, FakeClusters};
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// The credential in each key of the Secret that stores name, which no error may show.
const CANARY: &str = "canary-7f3a";

/// The adapters, by ESO's names of their stores.
fn source(name: &str, clusters: &Arc<FakeClusters>, clock: &FakeClock) -> Arc<dyn Source> {
    fn of<D: OneServer>(
        clusters: &Arc<FakeClusters>,
        clock: &FakeClock,
    ) -> OneServerSources<D, FakeClusters> {
        let bounds = Bounds {
            attempt_timeout: Duration::from_secs(1),
            deadline: Duration::from_secs(4),
            first_pause: Duration::from_millis(1),
            last_pause: Duration::from_millis(50),
            ..Bounds::default()
        };
        OneServerSources::new(Arc::clone(clusters), Arc::new(clock.clone()), digest_key()).bounded(bounds)
    }
    macro_rules! table {
        ($($name:literal => $sources:ident,)*) => {
            match name {
                $($name => Arc::<$sources<FakeClusters>>::new(of(clusters, clock)),)*
                _ => panic!("{name} has no adapter"),
            }
        };
    }
    table! {
        "barbican" => BarbicanSources,
        "beyondtrust" => BeyondtrustSources,
        "beyondtrustworkloadcredentials" => BeyondtrustWorkloadCredentialsSources,
        "chef" => ChefSources,
        "dvls" => DvlsSources,
        "fortanix" => FortanixSources,
        "infisical" => InfisicalSources,
        "ovh" => OvhSources,
        "passworddepot" => PasswordDepotSources,
        "previder" => PreviderSources,
        "pulumi" => PulumiSources,
        "scaleway" => ScalewaySources,
        "senhasegura" => SenhaseguraSources,
        "yandexcertificatemanager" => YandexCertificateManagerSources,
        "yandexlockbox" => YandexLockboxSources,
    }
}

fn digest_key() -> DigestKey {
    DigestKey::new(SecretValue::new("0123456789abcdef")).unwrap()
}

fn digest(value: &str) -> String {
    digest_key().parts().with(value).digest()
}

/// A store out of its manifest, where it is not refused.
fn store(name: &str, kind: &str, spec: &Value) -> Option<Store> {
    let metadata = match kind {
        "ClusterSecretStore" => json!({ "name": "store" }),
        _ => json!({ "name": "store", "namespace": "shop" }),
    };
    let manifest = json!({
        "apiVersion": "external-secrets.io/v1", "kind": kind, "metadata": metadata,
        "spec": { "provider": { name: spec } },
    });
    from_object(manifest, "case", &ParseOptions::new(Home::Applied)).stores.into_iter().next()
}

fn access(backend: Backend) -> Access {
    let (cluster, namespace) = (Some(cluster_name("blue")), Some(namespace("shop")));
    Access { backend, cluster, namespace, tags: None, grant: Grant::default() }
}

/// A double that knows nothing yet.
async fn double() -> Pairs {
    let strange = Reply::of(501, json!("nobody wrote this down"));
    Pairs::start("", strange, Reply::of(401, json!({ "message": CANARY }))).await.unwrap()
}

/// A key of RSA, made for this run.
fn private_key() -> &'static str {
    static KEY: LazyLock<String> = LazyLock::new(|| {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der.as_ref()))
    });
    &KEY
}

/// The same, as Yandex Cloud writes an authorized key.
fn authorized_key() -> String {
    let pem = format!("PLEASE DO NOT REMOVE THIS LINE! Yandex.Cloud SA Key ID <key-1>\n{}", private_key());
    json!({ "id": "key-1", "service_account_id": "account-1", "key_algorithm": "RSA_2048", "private_key": pem })
        .to_string()
}

/// A cluster whose Secret `shop/s` holds the canary in its key `k`, a private key in `pem`,
/// a user in `username` and `password`, and an authorized key of Yandex Cloud in `yandex`.
fn clusters() -> Arc<FakeClusters> {
    let clusters = Arc::new(FakeClusters::default());
    clusters.add(&cluster_name("blue"));
    clusters.edit("blue/shop/s", |secret| {
        secret.set("k", CANARY);
        secret.set("pem", private_key());
        secret.set("username", "u");
        secret.set("password", CANARY);
        secret.set("yandex", &authorized_key());
    });
    clusters
}

/// The least of each store, as a manifest on this server.
fn least(name: &str, server: &str) -> Value {
    let secret = json!({ "name": "s", "key": "k" });
    let id = "11111111-1111-4111-8111-111111111111";
    match name {
        "beyondtrust" => json!({
            "server": { "apiUrl": format!("{server}/BeyondTrust/api/public/v3"), "retrievalType": "SECRET", "verifyCA": true },
            "auth": { "apiKey": { "secretRef": secret } },
        }),
        "beyondtrustworkloadcredentials" => json!({
            "server": { "apiUrl": server, "siteId": id }, "auth": { "apikey": { "token": secret } }, "folderPath": "f",
        }),
        "barbican" => json!({
            "authURL": format!("{server}/v3"), "tenantName": "t", "domainName": "d", "region": "r",
            "auth": { "username": { "value": "u" }, "password": { "secretRef": secret } },
        }),
        "chef" => json!({
            "serverUrl": format!("{server}/organizations/x/"), "username": "u",
            "auth": { "secretRef": { "privateKeySecretRef": { "name": "s", "key": "pem" } } },
        }),
        "dvls" => json!({
            "serverUrl": server, "vault": id, "insecure": true,
            "auth": { "secretRef": { "appId": secret, "appSecret": secret } },
        }),
        "fortanix" => json!({ "apiUrl": server, "apiKey": { "secretRef": secret } }),
        "infisical" => json!({
            "hostAPI": server, "secretsScope": { "projectSlug": "shop", "environmentSlug": "prod" },
            "auth": { "universalAuthCredentials": { "clientId": secret, "clientSecret": secret } },
        }),
        "ovh" => json!({ "server": server, "okmsid": id, "auth": { "token": { "tokenSecretRef": secret } } }),
        "passworddepot" => json!({
            "host": server, "database": "shop", "auth": { "secretRef": { "credentials": { "name": "s" } } },
        }),
        "previder" => json!({ "baseUri": server, "auth": { "secretRef": { "accessToken": secret } } }),
        "pulumi" => json!({
            "apiUrl": format!("{server}/api/esc"), "organization": "org", "project": "project", "environment": "env",
            "auth": { "accessToken": { "secretRef": secret } },
        }),
        "scaleway" => json!({
            "apiUrl": server, "region": "fr-par", "projectId": id,
            "accessKey": { "value": "SCW0ACCESSKEY0TESTS" }, "secretKey": { "secretRef": secret },
        }),
        "senhasegura" => json!({
            "url": server, "module": "DSM", "auth": { "clientId": "id", "clientSecretSecretRef": secret },
        }),
        "yandexcertificatemanager" | "yandexlockbox" => json!({
            "apiEndpoint": server, "auth": { "authorizedKeySecretRef": { "name": "s", "key": "yandex" } },
        }),
        _ => panic!("{name} has no manifest"),
    }
}
