//! What the specs of stores on one server have alike.

use crate::address::Way;
use crate::reader::Fields;
use crate::references::References;
use pawl_domain::store::{Given, SecretKeyRef};

/// The server's address, which is asked by TLS unless it is this machine's own.
pub(super) fn url(fields: &mut Fields<'_>, field: &'static str, default: Option<&str>) -> Option<String> {
    let url = match default {
        Some(default) => fields.filled(field).unwrap_or(default),
        None => fields.required(field, "the server's address, as https://<host>")?,
    };
    encrypted(fields, field, url.to_owned(), "is not a URL; write it as https://<host>")
}

/// The address of a server of which ESO knows the name alone. One that is written out whole is taken as well.
pub(super) fn named(
    fields: &Fields<'_>,
    field: &str,
    host: &str,
    port: Option<u16>,
    otherwise: &str,
) -> Option<String> {
    let url = match (host, port) {
        _ if host.contains("://") => host.to_owned(),
        _ if host.contains('/') => String::new(),
        (_, Some(port)) => format!("https://{host}:{port}"),
        (_, None) => format!("https://{host}"),
    };
    encrypted(fields, field, url, otherwise)
}

/// An address that is asked by TLS unless it is this machine's own; `otherwise` is said of what is no address.
fn encrypted(fields: &Fields<'_>, field: &str, url: String, otherwise: &str) -> Option<String> {
    match Way::to(&url) {
        Some(Way::Encrypted | Way::Loopback) => return Some(url),
        Some(Way::Plain) => fields.error(
            field,
            "is not encrypted, so others on the way could read credentials and secrets; write https",
        ),
        None => fields.error(field, otherwise),
    }
    None
}

/// A key of a Secret that proves the identity. A ClusterSecretStore must name its namespace, as ESO asks.
pub(super) fn credential(
    fields: &mut Fields<'_>,
    field: &'static str,
    references: References<'_>,
) -> Option<SecretKeyRef> {
    let found = references.required(fields, field);
    names_its_namespace(fields, field, found.as_ref(), references);
    found
}

/// Notes a ClusterSecretStore's reference that names no namespace.
pub(super) fn names_its_namespace(
    fields: &Fields<'_>,
    field: &str,
    found: Option<&SecretKeyRef>,
    references: References<'_>,
) {
    if references.must_name_namespaces() && found.is_some_and(|found| found.namespace.is_none()) {
        let path = format!("{}.{field}.namespace", fields.path());
        fields.notes().error(path, "is missing; a ClusterSecretStore has none of its own, so write it");
    }
}

/// How a provider reads a key of a Secret: whether a ClusterSecretStore must name its namespace, differs.
pub(super) type Reference<'a> = &'a dyn Fn(&mut Fields<'_>, &'static str) -> Option<SecretKeyRef>;

/// A text of the manifest or of a Secret.
pub(super) fn given(fields: &mut Fields<'_>, field: &'static str, reference: Reference<'_>) -> Option<Given> {
    if !fields.has(field) {
        fields.error(field, "is missing; write value or secretRef in it");
    }
    let mut inner = fields.object(field)?;
    let given = match inner.exactly_one(&["value", "secretRef"]) {
        Some("value") => {
            inner.required("value", "the text itself").map(|text| Given::Written(text.to_owned()))
        }
        Some(_) => reference(&mut inner, "secretRef").map(Given::At),
        None => None,
    };
    inner.close();
    given
}

/// The same of what must not stand in a manifest.
pub(super) fn secret(
    fields: &mut Fields<'_>,
    field: &'static str,
    reference: Reference<'_>,
) -> Option<SecretKeyRef> {
    if !fields.has(field) {
        fields.error(field, "is missing; write secretRef in it");
    }
    let mut inner = fields.object(field)?;
    if inner.has("value") {
        let what = "proves an identity, and would stand unencrypted in the registry; put it in a Secret, and write secretRef";
        inner.error("value", what);
        return None;
    }
    let at = reference(&mut inner, "secretRef");
    inner.close();
    at
}

/// What stands in `auth.secretRef`.
pub(super) fn auth<T>(fields: &mut Fields<'_>, read: impl FnOnce(&mut Fields<'_>) -> Option<T>) -> Option<T> {
    within(fields, "auth", |auth| within(auth, "secretRef", read))
}

/// What stands in an object that must be there.
pub(super) fn within<T>(
    fields: &mut Fields<'_>,
    field: &'static str,
    read: impl FnOnce(&mut Fields<'_>) -> Option<T>,
) -> Option<T> {
    if !fields.has(field) {
        fields.error(field, "is missing; write what proves the identity in it");
    }
    let mut inner = fields.object(field)?;
    let found = read(&mut inner);
    inner.close();
    found
}

/// Whether a text is a UUID.
pub(super) fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}
