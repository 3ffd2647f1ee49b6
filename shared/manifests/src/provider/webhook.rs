//! `spec.provider.webhook` of a store, and `spec` of the generator Webhook, which has the same fields.
//!
//! Source of fields, defaults and rules: ESO's webhook provider, version 2.9.

use super::Setting;
use crate::address::Way;
use crate::certificate;
use crate::reader::{Fields, shortened};
use crate::references::{self, References};
use pawl_domain::store::{Backend, Headers, WebhookSecret, WebhookStore};
use std::collections::BTreeSet;

/// The backend of a store.
pub(super) fn read(mut fields: Fields<'_>, setting: Setting<'_>) -> Option<Backend> {
    let store = spec(&mut fields, References::Store(setting.own));
    fields.close();
    store.map(Backend::from)
}

/// All but what closes the fields.
pub(crate) fn spec(fields: &mut Fields<'_>, references: References<'_>) -> Option<WebhookStore> {
    let url = url(fields);
    let method = method(fields);
    let (headers, content_type) = headers(fields);
    if fields.has("auth") {
        let what = "is NTLM, which Pawl does not speak; have the server take a token in a header, or leave this \
                    to ESO";
        fields.error("auth", what);
    }
    let timeout =
        fields.has("timeout").then(|| fields.duration("timeout", "a duration such as 10s")).flatten();
    let json_path = fields.object("result").and_then(|mut result| {
        let path = result.filled("jsonPath").map(str::to_owned);
        result.close();
        path
    });
    let secrets = fields.objects("secrets");
    let secrets = secrets.into_iter().filter_map(|fields| secret(fields, references)).collect();
    Some(WebhookStore {
        url: url?,
        method,
        headers,
        content_type,
        body: fields.filled("body").unwrap_or_default().to_owned(),
        timeout,
        json_path: json_path.unwrap_or_default(),
        secrets,
        ca_bundle: certificate::authorities(fields, "caBundle"),
        ca_provider: certificate::provider(fields, references),
    })
}

fn url(fields: &mut Fields<'_>) -> Option<String> {
    let what = "the address to ask, such as https://api.example.com/{{ .remoteRef.key }}";
    let url = fields.required("url", what)?;
    let Some(server) = WebhookStore::server_of(url) else {
        let what = "must begin with https:// and the server's host, written out: a template there would decide whom \
                    the store's Secrets are shown to";
        fields.error("url", what);
        return None;
    };
    match Way::to(server) {
        Some(Way::Encrypted | Way::Loopback) => {}
        Some(Way::Plain) => {
            fields.error("url", "is not encrypted, so others on the way could read secrets; write https");
        }
        None => fields.error("url", "is not a URL; write it as https://<host>/<path>"),
    }
    Some(url.to_owned())
}

fn method(fields: &mut Fields<'_>) -> String {
    let method = fields.filled("method").unwrap_or("GET").to_owned();
    if !is_token(&method) || ["CONNECT", "TRACE"].iter().any(|no| method.eq_ignore_ascii_case(no)) {
        let message =
            format!("{:?} is no method to read with; write one such as GET or POST", shortened(&method));
        fields.error("method", message);
    }
    method
}

/// The headers, and the one that says what the body is.
fn headers(fields: &mut Fields<'_>) -> (Headers, Option<String>) {
    let (mut headers, mut content_type, mut seen) = (Headers::default(), None, BTreeSet::new());
    for (name, value) in fields.text_map("headers") {
        let lower = name.to_ascii_lowercase();
        let shown = shortened(&name);
        let wrong = if !is_token(&name) {
            "is no name of a header; correct it"
        } else if !seen.insert(lower.clone()) {
            "stands there twice, in two spellings; write it once"
        } else if lower == "content-type" {
            content_type = Some(value);
            continue;
        } else if Headers::is_forbidden(&name) {
            "would make the request another one than the store's; remove it (PAWL-STORE-HEADER)"
        } else if Headers::is_credential(&name, &value) && !value.contains("{{") {
            "proves an identity, and its value would stand unencrypted in the registry; take it from a Secret with \
             secrets"
        } else {
            headers.0.insert(name, value);
            continue;
        };
        fields.error("headers", format!("{shown} {wrong}"));
    }
    (headers, content_type)
}

fn secret(mut fields: Fields<'_>, references: References<'_>) -> Option<WebhookSecret> {
    let name = fields.required("name", "what templates call the Secret").map(str::to_owned);
    if !fields.has("secretRef") {
        fields.error("secretRef", "is missing; write the name of a Secret in it");
    }
    let at = fields.object("secretRef").and_then(|mut at| {
        let secret = references::name(&mut at, "the Secret's name");
        let namespace = references.namespace(&mut at);
        if references.must_name_namespaces() && namespace.is_none() {
            at.error("namespace", "is missing; a ClusterSecretStore has none of its own, so write it");
        }
        // Templates see all keys.
        at.without_effect(&["key"]);
        at.close();
        Some((secret?, namespace))
    });
    fields.close();
    let (name, (secret, namespace)) = (name?, at?);
    Some(WebhookSecret { name, secret, namespace })
}

/// Source: RFC 9110, 5.6.2.
fn is_token(text: &str) -> bool {
    let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_sign)
}
