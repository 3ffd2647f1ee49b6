//! `spec.provider.webhook`: an API that is asked over HTTP.

use super::spec::{Claims, Identity, Spec};
use super::{CaProvider, Headers};
use crate::key::Location;
use crate::name::{Namespace, ObjectName};
use crate::provider::{Capabilities, Provider};
use crate::query::Find;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// `spec.provider.webhook` of a store. Source: ESO's CRD, version 2.9.
///
/// Its texts are templates, of which the manifest may have made anything: Debug shows the server and names only.
#[derive(Clone, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct WebhookStore {
    /// The address, a template. What comes before its path is none ([`WebhookStore::server_of`]).
    pub url: String,
    /// The method.
    pub method: String,
    /// The headers; their values are templates.
    pub headers: Headers,
    /// The header `Content-Type`, a template: the one that says what the request is, and not what becomes of it.
    pub content_type: Option<String>,
    /// The body, a template; empty for none.
    pub body: String,
    /// How long an answer may take; `None` where the manifest says nothing.
    pub timeout: Option<Duration>,
    /// `result.jsonPath`, a template: where in the answer the value is. Empty where the answer is the value.
    pub json_path: String,
    /// Secrets that the templates see.
    pub secrets: Vec<WebhookSecret>,
    /// CA certificates as PEM, `caBundle`.
    pub ca_bundle: Option<String>,
    /// CA certificates in the target cluster.
    pub ca_provider: Option<CaProvider>,
}

/// A Secret that templates see whole, under a name.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct WebhookSecret {
    /// What templates call it.
    pub name: String,
    /// The Secret.
    pub secret: ObjectName,
    /// Its namespace; the declaration's where absent.
    pub namespace: Option<Namespace>,
}

impl WebhookStore {
    /// The label that a Secret must carry so that templates may see it, and its value.
    pub const LABEL: (&str, &str) = ("external-secrets.io/type", "webhook");
    /// What templates call the read.
    pub const READ: &str = "remoteRef";

    /// The server that an address leads to, whatever its templates make: scheme and host, with its port. `None` where
    /// they stand in a template themselves, so that a value could decide whom Secrets are shown to.
    pub fn server_of(url: &str) -> Option<&str> {
        let (scheme, rest) = url.split_once("://")?;
        let host = rest.split(['/', '?', '#']).next()?;
        let server = url.get(..scheme.len() + "://".len() + host.len())?;
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'{' | b'}' | b'\\');
        (!host.is_empty() && server.bytes().all(is_plain)).then_some(server)
    }

    /// The server that is asked. Empty where the address names none, which no manifest that was read has.
    pub fn server(&self) -> &str {
        Self::server_of(&self.url).unwrap_or_default()
    }

    /// The texts that are templates.
    fn templates(&self) -> impl Iterator<Item = &str> {
        let own = [self.url.as_str(), &self.body, &self.json_path];
        let headers = self.headers.0.values().chain(&self.content_type).map(String::as_str);
        own.into_iter().chain(headers)
    }
}

/// Whether a template may see the namespace that reads. One that says `.remoteRef.key`, `.remoteRef.property`,
/// `.remoteRef.version` or fields of Secrets cannot, as long as it takes `.remoteRef` and all of its data nowhere else.
fn sees_namespace(template: &str) -> bool {
    template.split("{{").skip(1).any(|action| {
        let mut fields = action.match_indices('.').filter_map(|(at, _)| action.get(at + 1..));
        action.contains('$') || fields.any(|field| takes_namespace(action, field))
    })
}

/// Whether what follows a dot in the text from an action on is, or leads to, the namespace.
fn takes_namespace(action: &str, field: &str) -> bool {
    const TOLD: [&str; 3] = [".key", ".property", ".version"];
    if let Some(part) = behind(field, WebhookStore::READ) {
        return !TOLD.iter().any(|told| behind(part, told).is_some());
    }
    // A dot alone is all data, unless no action ends behind it: a brace in a text of an action does not end it.
    let is_alone = !field.bytes().next().is_some_and(is_name);
    is_alone && (field.contains("}}") || !action.contains("}}"))
}

/// What stands behind a word, where the word ends there.
fn behind<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    text.strip_prefix(word).filter(|rest| !rest.bytes().next().is_some_and(is_name))
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

impl fmt::Debug for WebhookStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookStore")
            .field("server", &self.server())
            .field("method", &self.method)
            .field("headers", &self.headers)
            .field("secrets", &self.secrets)
            .finish_non_exhaustive()
    }
}

impl Spec for WebhookStore {
    fn location(&self) -> Location {
        let address = self.server().to_ascii_lowercase();
        Location { provider: Provider::Webhook, region: String::new(), account: Some(address) }
    }

    fn capabilities(&self) -> Capabilities {
        Provider::Webhook.profile().capabilities
    }

    fn remote_key(&self, key: &str) -> String {
        key.to_owned()
    }

    fn found_key(&self, name: &str) -> String {
        name.to_owned()
    }

    fn found_name(&self, key: &str) -> String {
        key.to_owned()
    }

    fn listed_name(&self, key: &str) -> String {
        key.to_owned()
    }

    fn finds(&self, _: &Find, _: &dyn Fn(&str) -> bool, _: &str) -> bool {
        false
    }

    fn refuses(&self, _: &Find) -> Option<&'static str> {
        Some("a webhook cannot be searched; name each key in data, or in dataFrom.extract")
    }

    fn proofs(&self) -> Vec<Option<&Namespace>> {
        let secrets = self.secrets.iter().map(|secret| secret.namespace.as_ref());
        let ca = self.ca_provider.iter().map(|(CaProvider::Secret(at) | CaProvider::ConfigMap(at))| at);
        let ca = ca.map(|at| at.namespace.as_ref());
        // An answer that the namespace has a part in is that namespace's alone.
        let own = self.templates().any(sees_namespace).then_some(None);
        secrets.chain(ca).chain(own).collect()
    }

    fn tells_tenants_apart(&self) -> bool {
        false
    }

    fn identity(&self) -> Identity<'_> {
        Identity::Own
    }

    fn claims(&self) -> Claims<'_> {
        let (server, headers) = (Some(self.server()), Some(&self.headers));
        Claims { region: None, server, authority: None, headers, values: None, is_refused: false }
    }

    fn withhold_values(&mut self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::ClusterName;
    use crate::provider::VersionSelector;
    use crate::query::{Query, Remote};
    use crate::store::{Home, Store, StoreId};

    fn store(key: &str) -> Store {
        let url = format!("https://API.example.com/{key}");
        let id =
            StoreId { home: Home::Applied, namespace: None, name: "api".parse().unwrap(), generator: None };
        let backend = WebhookStore { url, ..WebhookStore::default() }.into();
        Store { id, backend, conditions: Vec::new(), labels: [].into(), set: None }
    }

    #[test]
    fn a_read_tells_its_property_and_version_and_is_found_by_its_key() {
        let store = store("{{ .remoteRef.key }}");
        let key = || Remote { key: "app/db".to_owned(), ..Remote::default() };
        let whole = Remote { property: Some("p".to_owned()), version: Some("3".to_owned()), ..key() };
        assert_eq!(store.asked(&key()), "app/db");
        assert_eq!(store.asked(&whole), r#"["app/db","p","3"]"#);
        assert_eq!(whole.selector(&store), VersionSelector::Current);
        assert_eq!(store.location().account.as_deref(), Some("https://api.example.com"));
        assert_eq!(store.index_keys(&Query::Key(whole)), store.index_keys(&Query::Key(key())));
    }

    #[test]
    fn an_answer_that_the_namespace_has_a_part_in_is_its_own() {
        let blue: ClusterName = "blue".parse().unwrap();
        let [shop, web]: [Namespace; 2] = ["shop", "web"].map(|name| name.parse().unwrap());
        let shared = store("{{ .remoteRef.key }}");
        assert_eq!(shared.access(&blue, &shop), shared.access(&blue, &web));
        let own = store("{{ .remoteRef.namespace }}/{{ .remoteRef.key }}");
        assert_ne!(own.access(&blue, &shop), own.access(&blue, &web));
        assert_eq!(own.access(&blue, &shop).namespace, Some(shop));
        assert_eq!(own.own_access(&blue), None, "whose answer would it be?");
    }

    #[test]
    fn the_server_stands_before_all_templates() {
        for (url, server) in [
            ("https://api.example.com/v1/{{ .remoteRef.key }}", Some("https://api.example.com")),
            ("https://api.example.com:8443?key={{ .remoteRef.key }}", Some("https://api.example.com:8443")),
            ("https://api.example.com#{{ .remoteRef.key }}", Some("https://api.example.com")),
            ("https://[fd12::1]:1/", Some("https://[fd12::1]:1")),
            ("https://api.example.com", Some("https://api.example.com")),
            ("https://api.example.com{{ .remoteRef.key }}", None),
            ("https://{{ .remoteRef.key }}.example.com/", None),
            ("https://api.example.com\\@evil.example/", None),
            ("https://api.example.com /", None),
            ("{{ .remoteRef.key }}", None),
            ("{{ .remoteRef.key }}://api.example.com/", None),
            ("https:///x", None),
            ("api.example.com/x", None),
        ] {
            assert_eq!(WebhookStore::server_of(url), server, "{url}");
        }
    }

    #[test]
    fn a_template_that_may_see_the_namespace_is_told() {
        for (template, sees) in [
            ("https://a/b.c/{{ .remoteRef.key }}.json", false),
            ("{{ .remoteRef.key }}/{{.remoteRef.property}}?{{ .remoteRef.version | quote }}", false),
            ("Basic {{ print .auth.username \":\" .auth.password | b64enc }}", false),
            ("plain $x . text", false),
            ("a {{ .remoteRef.key }} . b", false),
            ("{{ .remoteRef.namespace }}", true),
            ("{{ .remoteRef.keys }}", true),
            ("{{ .remoteRef }}", true),
            ("{{ .remoteRef| toJson }}", true),
            ("{{ (.remoteRef).namespace }}", true),
            ("{{ . }}", true),
            ("{{ .|toJson }}", true),
            ("{{ index . \"remoteRef\" }}", true),
            ("{{ with .remoteRef }}{{ .namespace }}{{ end }}", true),
            ("{{ range . }}{{ end }}", true),
            ("{{ $.remoteRef.key }}", true),
            ("{{ \"}}\" }}{{ . }}", true),
            ("{{ if \"}}\" }}{{ template \"a\" . }}{{ end }}", true),
        ] {
            assert_eq!(sees_namespace(template), sees, "{template}");
        }
    }

    #[test]
    fn nothing_of_the_templates_is_shown() {
        let store = WebhookStore {
            url: "https://api.example.com/?token=hunter2".to_owned(),
            body: "hunter2".to_owned(),
            json_path: "hunter2".to_owned(),
            headers: Headers([("X-Team".to_owned(), "hunter2".to_owned())].into()),
            ..WebhookStore::default()
        };
        assert!(!format!("{store:?}").contains("hunter2"), "{store:?}");
    }
}
