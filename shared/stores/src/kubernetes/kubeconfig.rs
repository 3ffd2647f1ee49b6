//! Kubeconfigs in Secrets. A tenant may have written them: nothing in them runs a program, reads a file, or goes another way
//! than to the server.

use crate::kit::Material;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pawl_domain::SecretValue;
use serde::de::{IgnoredAny, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;

/// What the current context of a kubeconfig says.
pub(super) struct Kubeconfig {
    pub(super) url: String,
    pub(super) material: Material,
    pub(super) token: Option<SecretValue>,
}

impl Kubeconfig {
    /// Source of the fields: client-go's `clientcmd/api/v1`.
    ///
    /// # Errors
    /// What is wrong with it, without a word of its text: it holds tokens and keys.
    pub(super) fn read(text: &SecretValue) -> Result<Self, String> {
        let text = text.expose_str().ok_or("it is no text")?;
        let wire: Wire = serde_saphyr::from_str(text).map_err(|_| "it is no kubeconfig")?;
        let current = wire.current_context.filter(|name| !name.is_empty());
        let current = current.ok_or("it has no current-context; write one")?;
        let context = named(wire.contexts, &current).and_then(|context| context.context);
        let context = context.ok_or("its current-context is not among its contexts; correct one of them")?;
        let cluster = named(wire.clusters, &context.cluster).and_then(|cluster| cluster.cluster);
        let cluster = cluster.ok_or("the cluster of its current context is not among its clusters")?;
        let user = named(wire.users, &context.user).and_then(|user| user.user);
        let user = user.ok_or("the user of its current context is not among its users")?;
        cluster.check()?;
        user.check()?;
        let ca = cluster.certificate_authority_data.filter(|data| !data.0.is_empty());
        let ca = ca.map(|data| data.decoded("certificate-authority-data")).transpose()?;
        let ca = match ca {
            Some(pem) => {
                Some(pem.expose_str().ok_or("its certificate-authority-data is not PEM")?.to_owned())
            }
            None => None,
        };
        let decoded = |data: Option<Text>, field| {
            data.filter(|data| !data.0.is_empty()).map(|data| data.decoded(field)).transpose()
        };
        let certificate = decoded(user.client_certificate_data, "client-certificate-data")?;
        let key = decoded(user.client_key_data, "client-key-data")?;
        let token = user.token.map(|token| token.0).filter(|token| !token.is_empty());
        if certificate.is_some() != key.is_some() {
            return Err("client-certificate-data and client-key-data need each other; write both".to_owned());
        }
        if token.is_none() && certificate.is_none() {
            return Err(
                "its user has neither token nor client-certificate-data; write one of them".to_owned()
            );
        }
        let url = url(&cluster.server)?;
        Ok(Self { url, material: Material { ca, certificate, key }, token })
    }
}

fn url(server: &str) -> Result<String, String> {
    let server = server.trim_end_matches('/');
    match server.split_once("://") {
        _ if server.is_empty() => Err("its cluster has no server; write its URL".to_owned()),
        None => Ok(format!("https://{server}")),
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("https") => Ok(server.to_owned()),
        Some(_) => Err("its server is not asked by https; write a URL of https".to_owned()),
    }
}

fn named<T: Named>(all: Option<Vec<T>>, name: &str) -> Option<T> {
    all.into_iter().flatten().find(|one| one.name() == name)
}

trait Named {
    fn name(&self) -> &str;
}

macro_rules! named {
    ($($type:ty),*) => {
        $(impl Named for $type {
            fn name(&self) -> &str {
                &self.name
            }
        })*
    };
}

named!(NamedContext, NamedCluster, NamedUser);

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Wire {
    current_context: Option<String>,
    contexts: Option<Vec<NamedContext>>,
    clusters: Option<Vec<NamedCluster>>,
    users: Option<Vec<NamedUser>>,
}

#[derive(Deserialize)]
struct NamedContext {
    #[serde(default)]
    name: String,
    context: Option<Context>,
}

#[derive(Deserialize)]
struct NamedCluster {
    #[serde(default)]
    name: String,
    cluster: Option<Cluster>,
}

#[derive(Deserialize)]
struct NamedUser {
    #[serde(default)]
    name: String,
    user: Option<User>,
}

#[derive(Deserialize)]
struct Context {
    #[serde(default)]
    cluster: String,
    #[serde(default)]
    user: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Cluster {
    #[serde(default)]
    server: String,
    certificate_authority_data: Option<Text>,
    certificate_authority: Option<Text>,
    #[serde(default)]
    insecure_skip_tls_verify: bool,
    tls_server_name: Option<Text>,
    proxy_url: Option<Text>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct User {
    token: Option<Text>,
    #[serde(rename = "tokenFile")]
    token_file: Option<Text>,
    client_certificate_data: Option<Text>,
    client_key_data: Option<Text>,
    client_certificate: Option<Text>,
    client_key: Option<Text>,
    username: Option<Text>,
    password: Option<Text>,
    exec: Option<IgnoredAny>,
    auth_provider: Option<IgnoredAny>,
    #[serde(rename = "as")]
    acts_as: Option<Text>,
    as_uid: Option<Text>,
    as_groups: Option<IgnoredAny>,
    as_user_extra: Option<IgnoredAny>,
}

impl Cluster {
    fn check(&self) -> Result<(), String> {
        let filled = |text: &Option<Text>| text.as_ref().is_some_and(|text| !text.0.is_empty());
        let wrong = if filled(&self.certificate_authority) {
            "names a file of certificates; write certificate-authority-data"
        } else if self.insecure_skip_tls_verify {
            "has insecure-skip-tls-verify, so that anybody who answers would be believed; write certificate-authority-data"
        } else if filled(&self.tls_server_name) {
            "has a tls-server-name, which is not supported; name the server as its certificate does"
        } else if filled(&self.proxy_url) {
            "has a proxy-url, which is not supported; leave it out"
        } else {
            return Ok(());
        };
        Err(format!("its cluster {wrong}"))
    }
}

impl User {
    fn check(&self) -> Result<(), String> {
        let filled = |text: &Option<Text>| text.as_ref().is_some_and(|text| !text.0.is_empty());
        let wrong = if self.exec.is_some() {
            "has an exec plugin, which would run a program"
        } else if self.auth_provider.is_some() {
            "has an auth-provider, which is not supported"
        } else if [&self.token_file, &self.client_certificate, &self.client_key].into_iter().any(filled) {
            "names a file"
        } else if filled(&self.username) || filled(&self.password) {
            "has a password, which API servers take no more"
        } else if filled(&self.acts_as)
            || filled(&self.as_uid)
            || self.as_groups.is_some()
            || self.as_user_extra.is_some()
        {
            "acts as somebody else, which is not supported"
        } else {
            return Ok(());
        };
        Err(format!("its user {wrong}; write token, or client-certificate-data and client-key-data"))
    }
}

/// A text that may be a credential.
struct Text(SecretValue);

impl Text {
    fn decoded(&self, field: &str) -> Result<SecretValue, String> {
        let packed: Vec<u8> =
            self.0.expose().iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let packed = SecretValue::new(packed);
        let bytes = STANDARD.decode(packed.expose()).map_err(|_| format!("its {field} is not base64"))?;
        Ok(SecretValue::new(bytes))
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyText;
        impl Visitor<'_> for AnyText {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(SecretValue::new(text)))
            }

            fn visit_string<E: serde::de::Error>(self, text: String) -> Result<Text, E> {
                Ok(Text(SecretValue::new(text)))
            }
        }
        deserializer.deserialize_str(AnyText)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANARY: &str = "hunter2";

    fn config(cluster: &str, user: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts:\n- {{name: other, context: {{}}}}\n- {{name: c, context: \
             {{cluster: k, user: u, namespace: n}}}}\nclusters:\n- {{name: k, cluster: {{{cluster}}}}}\nusers:\n- {{name: u, user: \
             {{{user}}}}}\n"
        )
    }

    fn read(text: &str) -> Result<Kubeconfig, String> {
        Kubeconfig::read(&SecretValue::new(text))
    }

    #[test]
    fn tokens_and_certificates_are_read() {
        let ca = STANDARD.encode("PEM of a CA");
        let token = read(&config(
            &format!("server: 'https://api.example.com:6443/', certificate-authority-data: {ca}"),
            "token: hunter2",
        ))
        .unwrap();
        assert_eq!(token.url, "https://api.example.com:6443");
        assert_eq!(token.material.ca.as_deref(), Some("PEM of a CA"));
        assert_eq!(token.token, Some(SecretValue::new("hunter2")));
        let user = format!(
            "client-certificate-data: {}, client-key-data: {}",
            STANDARD.encode("cert"),
            STANDARD.encode("key")
        );
        let certificate = read(&config("server: api.example.com", &user)).unwrap();
        assert_eq!((certificate.url.as_str(), certificate.token), ("https://api.example.com", None));
        assert_eq!(certificate.material.certificate, Some(SecretValue::new("cert")));
        assert_eq!(certificate.material.key, Some(SecretValue::new("key")));
    }

    #[test]
    fn what_runs_programs_reads_files_or_trusts_anybody_is_refused() {
        let (server, token) = ("server: https://api.example.com", "token: hunter2");
        for (cluster, user, said) in [
            (server, "exec: {command: sh, args: [hunter2]}", "exec plugin"),
            (server, "exec: {}, token: hunter2", "exec plugin"),
            (server, "auth-provider: {name: gcp, config: {a: hunter2}}", "auth-provider"),
            (server, "tokenFile: /etc/hunter2", "names a file"),
            (server, "client-certificate: /etc/hunter2, token: hunter2", "names a file"),
            (server, "client-key: /etc/hunter2, token: hunter2", "names a file"),
            (server, "username: a, password: hunter2", "password"),
            (server, "token: hunter2, as: admin", "acts as"),
            (server, "token: hunter2, as-groups: [a]", "acts as"),
            (server, "", "neither token"),
            (server, "client-certificate-data: aHVudGVyMg==", "write both"),
            (server, "client-certificate-data: '%', client-key-data: aGk=", "not base64"),
            ("server: http://api.example.com", token, "https"),
            ("server: ''", token, "no server"),
            ("server: https://a, insecure-skip-tls-verify: true", token, "insecure-skip-tls-verify"),
            ("server: https://a, certificate-authority: /etc/hunter2", token, "file of certificates"),
            ("server: https://a, proxy-url: socks5://hunter2", token, "proxy-url"),
            ("server: https://a, tls-server-name: hunter2", token, "tls-server-name"),
            ("server: https://a, certificate-authority-data: '#'", token, "not base64"),
        ] {
            let Err(why) = read(&config(cluster, user)) else { panic!("{cluster} {user}") };
            assert!(why.contains(said) && !why.contains(CANARY), "{cluster} {user}: {why}");
        }
    }

    #[test]
    fn what_is_no_kubeconfig_says_so_and_nothing_more() {
        for (text, said) in [
            ("hunter2", "no kubeconfig"),
            ("{hunter2", "no kubeconfig"),
            ("a: &a [hunter2, *a]", "no "),
            ("{}", "current-context"),
            ("current-context: ''", "current-context"),
            ("current-context: hunter2\ncontexts: []", "among its contexts"),
            (
                "current-context: c\ncontexts: [{name: c, context: {cluster: hunter2, user: u}}]",
                "among its clusters",
            ),
            (
                "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\nclusters: [{name: k, cluster: {server: https://a}}]",
                "among its users",
            ),
        ] {
            let Err(why) = read(text) else { panic!("{text}") };
            assert!(why.contains(said) && !why.contains(CANARY), "{text}: {why}");
        }
        assert!(Kubeconfig::read(&SecretValue::new(b"\xff".to_vec())).is_err());
    }
}
