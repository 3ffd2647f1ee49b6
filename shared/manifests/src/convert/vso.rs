//! The Vault Secrets Operator. Source: the definitions of its kinds, version v1beta1.
//!
//! A `VaultStaticSecret` names a `VaultAuth`, and that a `VaultConnection`; together they are a SecretStore. Service accounts
//! and Secrets that prove an identity are those of the secret's own namespace, as for its operator.

use super::made::{Made, filled};
use crate::metadata::{self, Metadata};
use crate::reader::Fields;
use pawl_domain::{Namespace, ObjectName};
use serde_json::{Value, json};

pub(super) const GROUP: &str = "secrets.hashicorp.com";

pub(super) fn read(root: Fields<'_>, kind: &str, others: &[&Value], made: &mut Made) -> Option<()> {
    let what = match kind {
        "VaultStaticSecret" => return secret(root, others, made),
        // They are read where a secret names them.
        "VaultAuth" | "VaultConnection" => return None,
        "VaultDynamicSecret" => {
            "is not converted; write a generator VaultDynamicSecret and an ExternalSecret that names it"
        }
        "VaultPKISecret" => {
            "is not converted; write a generator VaultDynamicSecret on the path of the PKI engine"
        }
        "SecretTransformation" => {
            "is not converted; write its templates as target.template of the ExternalSecrets"
        }
        "HCPAuth" | "HCPVaultSecretsApp" => "is not converted: no provider of ESO reads HCP Vault Secrets",
        _ => "is not converted; write the ExternalSecret by hand",
    };
    root.notes().error("kind", what);
    None
}

fn secret(root: Fields<'_>, others: &[&Value], made: &mut Made) -> Option<()> {
    let (Metadata { name, namespace, .. }, mut spec) = metadata::read::<ObjectName>(root)?;
    let auth = spec.filled("vaultAuthRef");
    let mount = spec.required("mount", "the mount of the engine");
    let path = spec.required("path", "the path of the secret");
    let version = spec.required_choice("type", &[("kv-v1", "v1"), ("kv-v2", "v2")]);
    let number = spec.count("version").filter(|number| *number > 0);
    let refresh = spec.filled("refreshAfter").map(str::to_owned);
    let vault_namespace = spec.filled("namespace");
    let target = spec.present("destination", "is missing; write name in it").and_then(target);
    if !spec.list("rolloutRestartTargets").is_empty() {
        let path = spec.path_of("rolloutRestartTargets");
        let what = "restarts workloads, which Pawl does not; leave that to Reloader, by its annotations on the workloads";
        spec.notes().warning(path, what);
    }
    spec.without_effect(&["hmacSecretData", "syncConfig"]);
    let Some(auth) = auth else {
        spec.error(
            "vaultAuthRef",
            "is missing, so it is `default` in the operator's namespace; write which one",
        );
        return None;
    };
    let provider = provider(&spec, auth, namespace.as_ref(), others)?;
    spec.close();
    let (mount, path, version) = (mount?, path?, version?);
    let provider = provider.with(mount, version, vault_namespace);
    let store = made.store(namespace.as_ref(), &format!("{auth}-{mount}"), json!({ "vault": provider }));
    let remote = json!({ "key": path, "version": number.map(|number| number.to_string()) });
    let spec = json!({
        "refreshInterval": refresh, "secretStoreRef": { "name": store }, "target": target?, "dataFrom": [{ "extract": remote }],
    });
    made.secret(namespace.as_ref(), name.as_str(), spec);
    Some(())
}

fn target(mut destination: Fields<'_>) -> Option<Value> {
    let name = destination.required("name", "the name of the Secret").map(str::to_owned);
    // Without it the Secret must be there already.
    let policy = if destination.flag("create") { None } else { Some("Merge") };
    let template = json!({
        "type": destination.filled("type"),
        "metadata": { "labels": destination.text_map("labels"), "annotations": destination.text_map("annotations") },
    });
    destination.without_effect(&["overwrite"]);
    let mut is_raw_left_out = false;
    if let Some(mut change) = destination.object("transformation") {
        for field in ["templates", "transformationRefs", "includes", "excludes"] {
            if change.value(field).is_some_and(|value| *value != json!([]) && *value != json!({})) {
                let what = "is not converted: the Secret would have other keys; write target.template, whose templates name \
                            members as .name and not as .Secrets.name";
                change.error(field, what);
            }
        }
        is_raw_left_out = change.flag("excludeRaw");
        change.without_effect(&["resync"]);
        change.close();
    }
    if !is_raw_left_out {
        let path = destination.path().to_owned();
        destination
            .notes()
            .warning(path, "the key _raw, which holds all that Vault answered, is no longer written");
    }
    destination.close();
    Some(json!({ "name": name?, "creationPolicy": policy, "template": filled(template) }))
}

/// A VaultAuth with its VaultConnection.
struct Provider {
    server: String,
    headers: Value,
    ca: Option<Value>,
    auth: Value,
    auth_namespace: Option<String>,
}

impl Provider {
    /// The provider for an engine. The engine and the login may be in two namespaces of Vault.
    fn with(self, mount: &str, version: &str, namespace: Option<&str>) -> Value {
        let own = self.auth_namespace.as_deref();
        let namespace = namespace.or(own);
        let mut auth = self.auth;
        if let (Some(members), true) = (auth.as_object_mut(), namespace != own) {
            members.insert("namespace".to_owned(), json!(own));
        }
        filled(json!({
            "server": self.server, "path": mount, "version": version, "namespace": namespace,
            "headers": self.headers, "caProvider": self.ca, "auth": auth,
        }))
    }
}

fn provider(spec: &Fields<'_>, auth: &str, own: Option<&Namespace>, others: &[&Value]) -> Option<Provider> {
    let notes = spec.notes();
    let (found, at) = named(others, "VaultAuth", auth, own.map(Namespace::as_str)).or_else(|| {
        spec.error("vaultAuthRef", format!("names no VaultAuth among the manifests; add that of {auth}"));
        None
    })?;
    // What is wrong with it is told at the secret that names it.
    let mut fields = Fields::of(&found["spec"], format!("VaultAuth {auth}: spec"), notes)?;
    let method = method(&mut fields);
    let auth_namespace = fields.filled("namespace").map(str::to_owned);
    let headers = json!(fields.text_map("headers"));
    for field in ["params", "vaultAuthGlobalRef"] {
        if fields.has(field) {
            fields.error(field, "has no equal in a SecretStore; write the store by hand");
        }
    }
    let connection = fields.filled("vaultConnectionRef");
    fields.without_effect(&["allowedNamespaces", "storageEncryption"]);
    let Some(connection) = connection else {
        fields.error(
            "vaultConnectionRef",
            "is missing, so it is `default` in the operator's namespace; write which one",
        );
        return None;
    };
    let Some((found, place)) = named(others, "VaultConnection", connection, at) else {
        let what = format!("names no VaultConnection among the manifests; add that of {connection}");
        fields.error("vaultConnectionRef", what);
        return None;
    };
    fields.close();
    let mut fields = Fields::of(&found["spec"], format!("VaultConnection {connection}: spec"), notes)?;
    let server = fields.required("address", "the address of Vault").map(str::to_owned);
    if fields.flag("skipTLSVerify") {
        let what = "is not served: whoever is on the way could read everything; name the certificate in caCertSecretRef";
        fields.error("skipTLSVerify", what);
    }
    if fields.has("tlsServerName") {
        fields.error(
            "tlsServerName",
            "has no equal in a SecretStore; call the server by the name in its certificate",
        );
    }
    let ca = fields.filled("caCertSecretRef");
    if ca.is_some() && place != own.map(Namespace::as_str) {
        let path = fields.path_of("caCertSecretRef");
        notes.warning(path, "is a Secret of another namespace; copy it into that of the store");
    }
    let ca = ca.map(|name| json!({ "type": "Secret", "name": name, "key": "ca.crt" }));
    let mut all = fields.text_map("headers");
    all.extend(
        serde_json::from_value::<std::collections::BTreeMap<String, String>>(headers).unwrap_or_default(),
    );
    fields.without_effect(&["timeout"]);
    fields.close();
    Some(Provider { server: server?, headers: json!(all), ca, auth: method?, auth_namespace })
}

/// The object of this kind that a reference means, and its namespace: `name`, or `namespace/name`.
fn named<'a>(
    others: &[&'a Value],
    kind: &str,
    reference: &'a str,
    own: Option<&'a str>,
) -> Option<(&'a Value, Option<&'a str>)> {
    let (namespace, name) = match reference.split_once('/') {
        Some((namespace, name)) => (Some(namespace), name),
        None => (own, reference),
    };
    let is_it = |object: &&&Value| {
        let group = object["apiVersion"].as_str().and_then(|version| version.split('/').next());
        group == Some(GROUP)
            && object["kind"] == kind
            && object["metadata"]["name"] == name
            && object["metadata"]["namespace"].as_str() == namespace
    };
    others.iter().find(is_it).map(|found| (*found, namespace))
}

fn method(auth: &mut Fields<'_>) -> Option<Value> {
    let mount = auth.required("mount", "the mount of the auth method");
    let method = auth.required_choice(
        "method",
        &[
            ("kubernetes", "kubernetes"),
            ("jwt", "jwt"),
            ("appRole", "appRole"),
            ("aws", "aws"),
            ("gcp", "gcp"),
        ],
    )?;
    if method == "gcp" {
        auth.error("method", "gcp is not converted; write auth.gcp of the SecretStore by hand");
        return None;
    }
    let mount = mount?;
    let mut own = auth.present(method, "is missing; write what the method needs in it")?;
    let account = |field, own: &mut Fields<'_>| own.filled(field).map(str::to_owned);
    let told = match method {
        "kubernetes" => {
            let account = own.required("serviceAccount", "the service account")?.to_owned();
            let reference = json!({ "name": account, "audiences": own.texts("audiences") });
            let role = own.required("role", "the role")?;
            json!({ "kubernetes": { "mountPath": mount, "role": role, "serviceAccountRef": reference } })
        }
        "jwt" => {
            let role = own.required("role", "the role")?;
            let secret = own.filled("secretRef").map(|name| json!({ "name": name, "key": "jwt" }));
            let audiences = own.texts("audiences");
            let token = account("serviceAccount", &mut own)
                .map(|name| json!({ "serviceAccountRef": { "name": name, "audiences": audiences } }));
            json!({ "jwt": { "path": mount, "role": role, "secretRef": secret, "kubernetesServiceAccountToken": token } })
        }
        "appRole" => {
            let role = own.required("roleId", "the id of the role")?;
            let secret = own.required("secretRef", "the name of the Secret")?;
            json!({ "appRole": { "path": mount, "roleId": role, "secretRef": { "name": secret, "key": "id" } } })
        }
        _ => {
            let role = own.required("role", "the role")?;
            let reference = account("irsaServiceAccount", &mut own)
                .map(|name| json!({ "jwt": { "serviceAccountRef": { "name": name } } }));
            let key = |name: &str, key: &str| json!({ "name": name, "key": key });
            let secret = own.filled("secretRef").map(|name| {
                json!({ "secretRef": {
                    "accessKeyIDSecretRef": key(name, "access_key_id"),
                    "secretAccessKeySecretRef": key(name, "secret_access_key"),
                    "sessionTokenSecretRef": key(name, "session_token"),
                } })
            });
            for field in ["stsEndpoint", "iamEndpoint"] {
                if own.has(field) {
                    own.error(field, "has no equal in a SecretStore; leave it out");
                }
            }
            own.without_effect(&["sessionName"]);
            let mut iam = json!({
                "path": mount, "vaultRole": role, "region": own.filled("region"), "vaultAwsIamServerID": own.filled("headerValue"),
            });
            if let (Some(iam), Some(Value::Object(proof))) = (iam.as_object_mut(), secret.or(reference)) {
                iam.extend(proof);
            }
            json!({ "iam": iam })
        }
    };
    own.without_effect(&["tokenExpirationSeconds"]);
    own.close();
    // Blocks of other methods have no effect.
    auth.without_effect(&["kubernetes", "jwt", "appRole", "aws", "gcp"]);
    Some(filled(told))
}
