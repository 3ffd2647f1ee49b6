//! The port's contract suite, on the double, and on a real server where the environment names one.

use crate::support::{FakeCluster, TestSources, access_of, digest_key, sources_of, store};
use pawl_domain::store::{Backend, KvVersion, OpenBaoStore, VaultStore};
use pawl_domain::{Access, SecretValue};
use pawl_servers::vault::{RealVault, Vault, VaultApi, VaultClock, VaultDouble, VaultOptions};
use pawl_world::contract::sources::{Held, suite};
use serde_json::{Value, json};

#[tokio::test]
async fn both_engines_of_the_double_are_sources() {
    let double = VaultDouble::start(VaultOptions::default()).await.unwrap();
    double.mount_kv("", "team/kv", 2);
    double.mount_kv("", "old", 1);
    double.mount_kv("ns1/ns2", "kv", 2);
    for (namespace, mount, version) in [
        ("", "secret", KvVersion::V2),
        ("", "team/kv", KvVersion::V2),
        ("", "old", KvVersion::V1),
        ("ns1/ns2", "kv", KvVersion::V2),
    ] {
        suite(&Engine::at(double.api().unwrap(), double.root_token(), namespace, mount, version)).await;
    }
}

#[tokio::test]
async fn both_engines_are_sources_to_stores_of_open_bao() {
    let double = VaultDouble::start(VaultOptions::default()).await.unwrap();
    double.mount_kv("", "old", 1);
    double.mount_kv("ns1/ns2", "kv", 2);
    for (namespace, mount, version) in
        [("", "secret", KvVersion::V2), ("", "old", KvVersion::V1), ("ns1/ns2", "kv", KvVersion::V2)]
    {
        let engine = Engine::at(double.api().unwrap(), double.root_token(), namespace, mount, version);
        let store = engine.access.backend.as_engine().unwrap().clone();
        let backend: Backend = OpenBaoStore::new(store).into();
        suite(&Engine { access: Access { backend, ..engine.access.clone() }, ..engine }).await;
    }
}

/// With `VAULT_ADDR` and `VAULT_TOKEN`, or with `PAWL_TEST_VAULT_BIN`.
#[tokio::test]
async fn both_engines_of_a_real_server_are_sources() {
    let given = RealVault::from_env().unwrap();
    let own = match (&given, Vault::available()) {
        (None, Some(program)) => Some(Vault::start_dev(&program).await.unwrap()),
        _ => None,
    };
    let (api, token) = match (&given, &own) {
        (Some(given), _) => {
            (given.api().clone(), std::env::var_os("VAULT_TOKEN").unwrap().into_string().unwrap())
        }
        (None, Some(own)) => (own.api().clone(), own.root_token().to_owned()),
        (None, None) => return eprintln!("skipped: neither VAULT_ADDR nor PAWL_TEST_VAULT_BIN is set"),
    };
    for (mount, number, version) in
        [("pawl-contract-2", 2, KvVersion::V2), ("pawl-contract-1", 1, KvVersion::V1)]
    {
        let _ = api.call("DELETE", &format!("sys/mounts/{mount}"), None).await;
        api.mount_kv(mount, number).await.unwrap();
        suite(&Engine::at(api.clone(), &token, "", mount, version)).await;
        api.must("DELETE", &format!("sys/mounts/{mount}"), None).await.unwrap();
    }
}

/// One key/value engine.
struct Engine {
    api: VaultApi,
    mount: String,
    version: KvVersion,
    sources: TestSources,
    access: Access,
}

impl Engine {
    fn at(api: VaultApi, token: &str, namespace: &str, mount: &str, version: KvVersion) -> Self {
        let namespaced = (!namespace.is_empty()).then(|| namespace.to_owned());
        let mount = mount.to_owned();
        let store =
            VaultStore { path: Some(mount.clone()), version, namespace: namespaced, ..store(api.address()) };
        Self {
            api: api.in_namespace(namespace),
            mount,
            version,
            sources: sources_of(FakeCluster::with_token(token), VaultClock::default()),
            access: access_of(store),
        }
    }

    fn path(&self, key: &str) -> String {
        match self.version {
            KvVersion::V1 => format!("{}/{key}", self.mount),
            KvVersion::V2 => format!("{}/data/{key}", self.mount),
        }
    }
}

impl Held for Engine {
    type Sources = TestSources;

    fn sources(&self) -> &TestSources {
        &self.sources
    }

    fn access(&self) -> &Access {
        &self.access
    }

    async fn put(&self, key: &str, value: &str) -> String {
        let data = json!({ "value": value });
        match self.version {
            KvVersion::V1 => {
                self.api.must("POST", &self.path(key), Some(&data)).await.unwrap();
                digest_key().parts().with(data.to_string()).digest()
            }
            KvVersion::V2 => {
                let written =
                    self.api.must("POST", &self.path(key), Some(&json!({ "data": data }))).await.unwrap();
                written["data"]["version"].to_string()
            }
        }
    }

    async fn label(&self, _: &str, _: &str, _: &str) {
        panic!("Vault has no labels");
    }

    async fn delete(&self, key: &str) {
        self.api.must("DELETE", &self.path(key), None).await.unwrap();
    }

    fn unknown_version(&self) -> &'static str {
        "99"
    }

    fn key(&self, name: &str) -> String {
        let store = self.access.backend.as_engine().unwrap();
        let parts = [store.key_namespace(), Some(&self.mount), Some(name)];
        parts.into_iter().flatten().collect::<Vec<_>>().join("/")
    }

    fn text(&self, value: &SecretValue) -> String {
        let value: Value = serde_json::from_slice(value.expose()).unwrap();
        value["value"].as_str().unwrap().to_owned()
    }
}
