//! What is applied or put into clusters, as users write it. JSON is YAML.

use crate::world::{Form, Key, LABEL, Place, Spec, Store, cluster_name};
use pawl_e2e::Result;
use pawl_servers::vault::VaultApi;
use serde_json::{Value, json};

/// Where what stores need to log in stands, in each cluster.
const SYSTEM: &str = "chaos-system";

/// The region of both AWS stores.
pub(crate) const REGION: &str = "eu-central-1";

/// What a ClusterSecretStore says of Vault, and how Pawl logs in there.
#[derive(Clone, Debug)]
pub(crate) struct VaultStore {
    pub(crate) address: String,
    role: String,
    secret: String,
}

impl VaultStore {
    /// Makes a role in Vault whose tokens may read everything. `address` is where Pawl reaches the server.
    pub(crate) async fn enable(api: &VaultApi, address: String) -> Result<Self> {
        let policy = json!({ "policy": r#"path "secret/*" { capabilities = ["read", "list"] }"# });
        api.must("POST", "sys/policies/acl/reader", Some(&policy)).await?;
        api.must("POST", "sys/auth/approle", Some(&json!({ "type": "approle" }))).await?;
        let role = json!({ "token_policies": ["reader"], "token_ttl": "20m" });
        api.must("POST", "auth/approle/role/pawl", Some(&role)).await?;
        let id = api.must("GET", "auth/approle/role/pawl/role-id", None).await?;
        let secret = api.must("POST", "auth/approle/role/pawl/secret-id", Some(&json!({}))).await?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(Self { address, role: text(&id["data"]["role_id"]), secret: text(&secret["data"]["secret_id"]) })
    }

    /// What every cluster must have before Pawl works on it: namespaces, and the Secret for Vault.
    pub(crate) fn furniture(&self) -> Vec<Value> {
        let mut namespaces = vec![SYSTEM.to_owned()];
        namespaces.extend((0..3).map(|number| Place { cluster: 0, number }.namespace()));
        let namespace =
            |name| json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
        let mut objects: Vec<Value> = namespaces.into_iter().map(namespace).collect();
        objects.push(json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": { "name": "vault", "namespace": SYSTEM },
            "stringData": { "secret-id": self.secret },
        }));
        objects
    }

    /// The ClusterSecretStores of all three stores.
    pub(crate) fn stores(&self) -> Vec<Value> {
        let aws = |service: &str| json!({ "aws": { "service": service, "region": REGION } });
        let vault = json!({ "vault": {
            "server": self.address, "path": "secret", "version": "v2",
            "auth": { "appRole": {
                "path": "approle", "roleId": self.role,
                "secretRef": { "name": "vault", "namespace": SYSTEM, "key": "secret-id" },
            } },
        } });
        let provider = |store| match store {
            Store::Manager => aws("SecretsManager"),
            Store::Parameters => aws("ParameterStore"),
            Store::Vault => vault.clone(),
        };
        let store = |store: Store| {
            json!({
                "apiVersion": "external-secrets.io/v1", "kind": "ClusterSecretStore",
                "metadata": { "name": store.name() },
                "spec": { "provider": provider(store) },
            })
        };
        Store::ALL.into_iter().map(store).collect()
    }
}

/// The ExternalSecret of a declaration. One that is applied names its cluster.
pub(crate) fn external_secret(place: Place, spec: &Spec) -> Value {
    let mut target = json!({ "name": spec.target(place).name });
    if spec.form == Form::Template {
        target["template"] = json!({ "data": { "all": template(spec) } });
    }
    let store = |key: Key| json!({ "name": key.store.name(), "kind": "ClusterSecretStore" });
    let mut body = json!({
        "refreshInterval": format!("{}s", spec.interval),
        "secretStoreRef": spec.reads.first().map(|key| store(*key)),
        "target": target,
    });
    let remote = |key: Key| {
        let mut remote = json!({ "key": key.name() });
        if key.is_labelled() {
            remote["version"] = LABEL.into();
        }
        if matches!(spec.form, Form::Property | Form::Template) {
            remote["property"] = "a".into();
        }
        remote
    };
    if let (Form::Extract, [key]) = (spec.form, spec.reads.as_slice()) {
        body["dataFrom"] = json!([{ "extract": remote(*key) }]);
    } else {
        let each = |(index, key): (usize, &Key)| {
            json!({
                "secretKey": format!("f{index}"),
                "remoteRef": remote(*key),
                "sourceRef": { "storeRef": store(*key) },
            })
        };
        body["data"] = spec.reads.iter().enumerate().map(each).collect();
    }
    let mut manifest = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
        "metadata": { "name": place.name(), "namespace": place.namespace() },
        "spec": body,
    });
    if !place.is_indexed() {
        manifest["metadata"]["annotations"] = json!({ "pawl.dev/clusters": cluster_name(place.cluster) });
    }
    manifest
}

/// `g3 {{ .f0 }} {{ .f1 }}`: the generation, and all fields.
fn template(spec: &Spec) -> String {
    let fields = (0..spec.reads.len()).map(|index| format!(" {{{{ .f{index} }}}}"));
    format!("g{}{}", spec.generation, fields.collect::<String>())
}

/// Many documents in one text.
pub(crate) fn yaml<'a>(documents: impl IntoIterator<Item = &'a Value>) -> String {
    documents.into_iter().map(|document| format!("---\n{document}\n")).collect()
}
