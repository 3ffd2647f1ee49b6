//! `spec.provider.vault` of a store.
//!
//! Source of fields, defaults and rules: ESO's Vault provider, version 2.9.

pub(super) mod auth;

use super::Setting;
use crate::address::Way;
use crate::certificate;
use crate::reader::Fields;
use crate::references::References;
use pawl_domain::store::{Backend, ClientCertificate, Headers, KvVersion, VaultStore};

/// The backend of a store.
pub(super) fn read(fields: Fields<'_>, Setting { own, max_retries }: Setting<'_>) -> Option<Backend> {
    spec(fields, References::Store(own), max_retries).map(Backend::from)
}

/// The server, the identity, and the engine where keys are read.
pub(crate) fn spec(
    mut fields: Fields<'_>,
    references: References<'_>,
    max_retries: Option<u32>,
) -> Option<VaultStore> {
    let engine = engine(&mut fields, references);
    let auth = fields.object("auth").map(|fields| auth::read(fields, references));
    let client_certificate = fields.object("tls").and_then(|fields| client(fields, references));
    let headers = headers(&mut fields);
    let read_your_writes = fields.flag("readYourWrites");
    let forward_inconsistent = fields.flag("forwardInconsistent");
    check_and_set(&mut fields, engine.as_ref().map(|engine| engine.version).unwrap_or_default());
    fields.close();
    let (auth, auth_namespace) = auth.map_or((None, None), |auth| (auth.method, auth.namespace));
    Some(VaultStore {
        client_certificate,
        headers,
        read_your_writes,
        forward_inconsistent,
        auth,
        auth_namespace,
        max_retries,
        ..engine?
    })
}

/// What every KV engine has: the server, the mount and how it is trusted.
pub(super) fn engine(fields: &mut Fields<'_>, references: References<'_>) -> Option<VaultStore> {
    let server = server(fields);
    let path = fields.filled("path").map(|path| path.trim_matches('/').to_owned());
    let versions = [("v1", KvVersion::V1), ("v2", KvVersion::V2)];
    let version = fields.choice("version", &versions).unwrap_or_default();
    let namespace = fields.filled("namespace").map(str::to_owned);
    let ca_bundle = certificate::authorities(fields, "caBundle");
    let ca_provider = certificate::provider(fields, references);
    let path = path.filter(|path| !path.is_empty());
    Some(VaultStore {
        server: server?,
        path,
        version,
        namespace,
        ca_bundle,
        ca_provider,
        ..Default::default()
    })
}

/// ESO has no way to take a header from a Secret, and what stands in a store's manifest stands in the registry.
fn headers(fields: &mut Fields<'_>) -> Headers {
    let given = fields.text_map("headers");
    for (name, value) in &given {
        if Headers::is_credential(name, value) {
            let message = format!(
                "{name} proves an identity, and its value would stand unencrypted in the registry; remove it and \
                 prove Pawl to the proxy by tls.certSecretRef and tls.keySecretRef, or by its address"
            );
            fields.error("headers", &message);
        } else if Headers::is_forbidden(name) {
            let message = format!(
                "{name} would make the request another one than the store's; remove it (PAWL-STORE-HEADER)"
            );
            fields.error("headers", &message);
        }
    }
    Headers(given)
}

fn server(fields: &mut Fields<'_>) -> Option<String> {
    let server = fields.required("server", "the server's address, such as https://vault.example.com:8200")?;
    match Way::to(server) {
        Some(Way::Encrypted | Way::Loopback) => {}
        Some(Way::Plain) => fields.notes().warning(
            fields.path_of("server"),
            "is not encrypted, so others on the way can read tokens and secrets: it is refused unless the operator sets \
             PAWL_VAULT_PLAIN_HTTP; write https",
        ),
        None => fields.error("server", "is not a URL; write it as https://<host>:<port>"),
    }
    Some(server.to_owned())
}

/// Both parts or neither; each has the key that a Secret of type `kubernetes.io/tls` gives it.
fn client(mut fields: Fields<'_>, references: References<'_>) -> Option<ClientCertificate> {
    let given = ["certSecretRef", "keySecretRef"].map(|field| fields.has(field));
    if given[0] != given[1] {
        let message = "must have both of certSecretRef and keySecretRef, or neither";
        fields.notes().error(fields.path(), message);
    }
    let certificate =
        fields.object("certSecretRef").and_then(|inner| references.secret_key(inner, Some("tls.crt")));
    let key = fields.object("keySecretRef").and_then(|inner| references.secret_key(inner, Some("tls.key")));
    fields.close();
    Some(ClientCertificate { certificate: certificate?, key: key? })
}

/// How PushSecrets write; nothing is pushed, but what ESO refuses is refused.
fn check_and_set(fields: &mut Fields<'_>, version: KvVersion) {
    let Some(mut inner) = fields.object("checkAndSet") else { return };
    if inner.flag("required") && version == KvVersion::V1 {
        inner.error("required", "does not go with version v1, whose secrets have no versions; remove it");
    }
    inner.close();
}
