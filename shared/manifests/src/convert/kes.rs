//! kubernetes-external-secrets. Source: its README and its CustomResourceDefinition, version 8.5.
//!
//! Which region, server and identity a manifest means, its operator knew by its environment.

use super::Settings;
use super::made::{Made, filled};
use crate::metadata::{self, Metadata};
use crate::reader::Fields;
use pawl_domain::ObjectName;
use serde_json::{Value, json};

pub(super) const GROUP: &str = "kubernetes-client.io";

/// The manifest with today's names in place of those that its operator took as well.
pub(super) fn of_today(mut object: Value) -> Value {
    let rename = |object: &mut Value, old: &str, new: &str| {
        let Some(fields) = object.as_object_mut().filter(|fields| !fields.contains_key(new)) else { return };
        if let Some(value) = fields.remove(old) {
            fields.insert(new.to_owned(), value);
        }
    };
    rename(&mut object, "secretDescriptor", "spec");
    if let Some(spec) = object.get_mut("spec") {
        rename(spec, "properties", "data");
    }
    object
}

pub(super) fn read(root: Fields<'_>, settings: &Settings, made: &mut Made) -> Option<()> {
    let (Metadata { name, namespace, .. }, mut spec) = metadata::read::<ObjectName>(root)?;
    let backend = spec.required_choice(
        "backendType",
        &[
            ("secretsManager", Origin::SecretsManager),
            ("secretManager", Origin::SecretsManager),
            ("systemManager", Origin::ParameterStore),
            ("vault", Origin::Vault),
            ("azureKeyVault", Origin::Azure),
            ("gcpSecretsManager", Origin::Google),
        ],
    );
    let old_type = spec.filled("type").map(str::to_owned);
    let template = template(&mut spec, old_type);
    let mut entries = Vec::new();
    for key in spec.texts("dataFrom") {
        entries.push(Entry { key, version: None, property: None, name: None, is_binary: false });
    }
    for mut from in spec.objects("dataFromWithOptions") {
        entries.extend(entry(&mut from, None));
        from.close();
    }
    for mut item in spec.objects("data") {
        if item.has("path") {
            let what = "reads all parameters below a path; write an ExternalSecret with dataFrom[].find.path in its place";
            item.error("path", what);
            continue;
        }
        let name = item.data_key("name", "the key of the Secret").map(str::to_owned);
        entries.extend(name.and_then(|name| entry(&mut item, Some(name))));
        item.close();
    }
    spec.without_effect(&["controllerId"]);
    let stores = Stores { backend: backend?, settings };
    let (mut data, mut all, mut first) = (Vec::new(), Vec::new(), None);
    for mut entry in entries {
        let (store, provider) = stores.of(&mut spec, &mut entry)?;
        let store = made.store(namespace.as_ref(), &store, provider);
        let is_first = *first.get_or_insert_with(|| store.clone()) == store;
        let reference = (!is_first).then(|| json!({ "storeRef": { "name": store } }));
        let remote = json!({
            "key": entry.key, "version": entry.version, "property": entry.property,
            "decodingStrategy": entry.is_binary.then_some("Auto"),
        });
        match entry.name {
            Some(name) => {
                data.push(filled(json!({ "secretKey": name, "remoteRef": remote, "sourceRef": reference })));
            }
            None => all.push(filled(json!({ "extract": remote, "sourceRef": reference }))),
        }
    }
    let Some(first) = first else {
        spec.error("data", "is missing, so that there is nothing to read; write data or dataFrom");
        return None;
    };
    spec.close();
    let target = json!({ "template": template });
    let spec =
        json!({ "secretStoreRef": { "name": first }, "target": target, "data": data, "dataFrom": all });
    made.secret(namespace.as_ref(), name.as_str(), spec);
    Some(())
}

#[derive(Clone, Copy)]
enum Origin {
    SecretsManager,
    ParameterStore,
    Vault,
    Azure,
    Google,
}

/// What is read: under a key of the Secret, or all members where it has no name.
struct Entry {
    key: String,
    version: Option<String>,
    property: Option<String>,
    name: Option<String>,
    is_binary: bool,
}

fn entry(item: &mut Fields<'_>, name: Option<String>) -> Option<Entry> {
    let stage = item.filled("versionStage").map(str::to_owned);
    let id = item.filled("versionId").map(|id| format!("uuid/{id}"));
    let version = item.filled("version").map(str::to_owned);
    Some(Entry {
        property: item.filled("property").map(str::to_owned),
        is_binary: item.flag("isBinary"),
        version: id.or(stage).or(version),
        key: item.required("key", "the key in the store")?.to_owned(),
        name,
    })
}

/// Its operator merged the template into the Secret.
fn template(spec: &mut Fields<'_>, old_type: Option<String>) -> Value {
    let Some(mut template) = spec.object("template") else { return filled(json!({ "type": old_type })) };
    let kind = template.filled("type").map(str::to_owned).or(old_type);
    for field in ["data", "stringData"] {
        if template.has(field) {
            let what = "is a template of lodash; write it as target.template.data, a template of Go";
            template.error(field, what);
        }
    }
    let metadata = template.object("metadata").map(|mut metadata| {
        let told =
            json!({ "labels": metadata.text_map("labels"), "annotations": metadata.text_map("annotations") });
        metadata.close();
        told
    });
    template.close();
    filled(json!({ "type": kind, "metadata": metadata }))
}

struct Stores<'a> {
    backend: Origin,
    settings: &'a Settings,
}

impl Stores<'_> {
    /// The store that an entry is read from, as a name and a provider; of Vault the entry's key loses its mount.
    fn of(&self, spec: &mut Fields<'_>, entry: &mut Entry) -> Option<(String, Value)> {
        let account = self.settings.service_account.as_ref();
        let reference = account.map(|name| json!({ "name": name }));
        match self.backend {
            Origin::SecretsManager => self.aws(spec, "SecretsManager", reference),
            Origin::ParameterStore => self.aws(spec, "ParameterStore", reference),
            Origin::Vault => self.vault(spec, entry),
            Origin::Azure => {
                let vault = spec.required("keyVaultName", "the name of the key vault")?;
                let provider = json!({
                    "vaultUrl": format!("https://{vault}.vault.azure.net"),
                    "authType": "WorkloadIdentity", "serviceAccountRef": needed(spec, reference)?,
                });
                Some((format!("kes-azure-{vault}"), json!({ "azurekv": provider })))
            }
            Origin::Google => {
                let what = "gcpSecretsManager is read with the identity of the operator; write a SecretStore of gcpsm by hand: its \
                            workload identity names project, place and name of the cluster";
                spec.error("backendType", what);
                None
            }
        }
    }

    fn aws(&self, spec: &mut Fields<'_>, service: &str, account: Option<Value>) -> Option<(String, Value)> {
        let role = spec.filled("roleArn");
        let region = spec.filled("region").or(self.settings.region.as_deref());
        let Some(region) = region else {
            spec.error(
                "region",
                "is missing, so it is AWS_REGION of the operator; write it, or say --region",
            );
            return None;
        };
        let auth = account.map(|account| json!({ "jwt": { "serviceAccountRef": account } }));
        let provider = json!({ "service": service, "region": region, "role": role, "auth": auth });
        let of_role = role.and_then(|role| role.rsplit('/').next()).map(|role| format!("-{role}"));
        let name = format!("kes-{service}-{region}{}", of_role.unwrap_or_default());
        Some((name, filled(json!({ "aws": provider }))))
    }

    /// Keys are whole paths of the API, as in `secret/data/shop/db`: the mount comes first, and in version 2 `data` second.
    fn vault(&self, spec: &mut Fields<'_>, entry: &mut Entry) -> Option<(String, Value)> {
        let Some(server) = &self.settings.vault else {
            spec.error("backendType", "vault is VAULT_ADDR of the operator; say --vault https://<host>");
            return None;
        };
        let role = spec.required("vaultRole", "the role, for it is DEFAULT_VAULT_ROLE of the operator")?;
        let version = spec.count("kvVersion").unwrap_or(2);
        let login = spec.filled("vaultMountPoint").unwrap_or("kubernetes");
        let account = self.settings.service_account.as_ref().map(|name| json!({ "name": name }));
        let account = needed(spec, account)?;
        let (mount, key) = entry.key.split_once('/').unwrap_or((&entry.key, ""));
        let key = if version == 2 { key.strip_prefix("data/").unwrap_or(key) } else { key };
        let provider = json!({ "server": server, "path": mount, "version": format!("v{version}"), "auth": {
            "kubernetes": { "mountPath": login, "role": role, "serviceAccountRef": account },
        } });
        let name = format!("kes-vault-{mount}-{role}");
        entry.key = key.to_owned();
        Some((name, json!({ "vault": provider })))
    }
}

/// A service account, without which nobody could prove an identity.
fn needed(spec: &Fields<'_>, account: Option<Value>) -> Option<Value> {
    if account.is_none() {
        let what = "is read with the identity of the operator; name a service account of the namespace: --service-account";
        spec.error("backendType", what);
    }
    account
}
