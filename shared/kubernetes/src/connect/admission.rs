//! Decides whether a Cluster may use what it names. It is checked where credentials are about to be read or sent, whoever
//! declared the cluster and however the declaration came into the registry.

use super::server::invalid;
use http::Uri;
use pawl_domain::cluster::{Allowed, TokenSource, is_same_url};
use pawl_domain::{ClusterName, SecretValue};
use pawl_ports::{EksEndpoint, Error};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The endpoint and CA to use, of those that the Cluster gives and those that EKS says.
///
/// # Errors
/// `Invalid` when the Cluster gives others than EKS says.
pub(super) fn agreed(
    endpoint: Option<&str>,
    ca: Option<&str>,
    found: EksEndpoint,
    allowed: &Allowed,
    cluster: &ClusterName,
) -> Result<EksEndpoint, Error> {
    if let Some(listed) = endpoint.filter(|url| allowed.has_eks_endpoint(url)) {
        return Ok(EksEndpoint { url: listed.to_owned(), ca: found.ca });
    }
    if endpoint.is_some_and(|url| !is_same_url(url, &found.url)) {
        let why =
            "spec.eks.endpoint is not what EKS says; leave it out, or name it in PAWL_CLUSTER_EKS_ENDPOINTS";
        return Err(invalid(cluster, why));
    }
    if ca.is_some_and(|ca| certificates(ca) != certificates(&found.ca)) {
        return Err(invalid(cluster, "spec.eks.ca is not what EKS says; leave it out"));
    }
    Ok(found)
}

/// The path that a file's path leads to, if it is in a directory for credentials of clusters. Links may lead from one place
/// in these directories to another, as in volumes of Kubernetes, and not out of them.
///
/// # Errors
/// `Invalid` when it is elsewhere or cannot be looked at.
pub(super) async fn file(
    allowed: &Allowed,
    path: &str,
    field: &str,
    cluster: &ClusterName,
) -> Result<PathBuf, Error> {
    let unreadable = |error: std::io::Error| {
        invalid(cluster, &format!("{field}: {path} cannot be read: {}", error.kind()))
    };
    let mut directories = Vec::new();
    for directory in &allowed.files {
        // One that does not exist allows nothing.
        directories.extend(tokio::fs::canonicalize(directory).await.ok());
    }
    let listed = || allowed.files.iter().map(|each| each.display().to_string()).collect::<Vec<_>>().join(":");
    let elsewhere = || {
        let why = format!(
            "{field}: {path} is not in a directory for credentials of clusters; name a file in a directory of \
             PAWL_CLUSTER_FILES ({})",
            listed()
        );
        invalid(cluster, &why)
    };
    if !Allowed::is_within(Path::new(path), &allowed.files)
        && !Allowed::is_within(Path::new(path), &directories)
    {
        return Err(elsewhere());
    }
    let real = tokio::fs::canonicalize(path).await.map_err(unreadable)?;
    if Allowed::is_within(&real, &directories) { Ok(real) } else { Err(elsewhere()) }
}

/// Whether a token may come from there.
///
/// # Errors
/// `Invalid`, with the field and the setting.
pub(super) fn source(allowed: &Allowed, token: &TokenSource, cluster: &ClusterName) -> Result<(), Error> {
    match (token, allowed.token(token)) {
        (TokenSource::File(_), _) | (_, None) => Ok(()),
        (_, Some(refusal)) => Err(invalid(cluster, &format!("{}: {}", refusal.field, refusal.message))),
    }
}

/// Whether requests to this server are encrypted or stay on this machine.
///
/// # Errors
/// `Invalid` where they are not.
pub(super) fn encrypted(allowed: &Allowed, server: &Uri, cluster: &ClusterName) -> Result<(), Error> {
    let is_plain = server.scheme_str() == Some("http");
    if !is_plain || (allowed.plain_http && is_here(server)) {
        return Ok(());
    }
    let why = match is_here(server) {
        true => {
            "it is reached without TLS; write https, or set PAWL_CLUSTER_PLAIN_HTTP for servers on this machine"
        }
        false => "it is reached without TLS; write https",
    };
    Err(invalid(cluster, why))
}

fn is_here(server: &Uri) -> bool {
    let host = server.host().unwrap_or_default().trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A token with the servers that it is for.
#[derive(Deserialize)]
struct Bound<'a> {
    /// Not copied; a token has nothing that JSON would escape.
    token: &'a str,
    server: Servers,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Servers {
    One(String),
    Some(Vec<String>),
}

/// The token in what was read. It is that itself, or JSON with the servers that it may be sent to:
/// `{"token": "…", "server": "https://…"}`; `server` may be a list.
///
/// # Errors
/// `Invalid` when it is for other servers, or not of this form. Nothing of it is quoted.
pub(super) fn token(value: SecretValue, server: &Uri, cluster: &ClusterName) -> Result<SecretValue, Error> {
    if value.expose().trim_ascii_start().first() != Some(&b'{') {
        return Ok(value);
    }
    let bound: Bound<'_> = serde_json::from_slice(value.expose()).map_err(|_| {
        invalid(cluster, "its token is JSON without \"token\" and \"server\"; write both, or the token alone")
    })?;
    let servers = match bound.server {
        Servers::One(server) => vec![server],
        Servers::Some(servers) => servers,
    };
    let server = server.to_string();
    if servers.iter().any(|each| is_same_url(each, &server)) {
        return Ok(SecretValue::new(bound.token));
    }
    let why = format!(
        "its token is not for {server}; look whether the Cluster names the right token and the right server"
    );
    Err(invalid(cluster, &why))
}

fn certificates(pem: &str) -> Vec<Vec<u8>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).flatten().map(|der| der.to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(value: &str, server: &str) -> Result<String, String> {
        let (server, cluster) = (server.parse().unwrap(), "blue".parse().unwrap());
        let token = token(SecretValue::new(value.as_bytes()), &server, &cluster);
        token
            .map(|token| String::from_utf8_lossy(token.expose()).into_owned())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_token_that_names_its_servers_goes_to_no_other() {
        let one = r#" {"token":"hunter2","server":"https://blue.example:6443"}"#;
        let some = r#"{"token":"hunter2","server":["https://a.example","https://Blue.example:6443/"]}"#;
        for value in [one, some, "hunter2"] {
            assert_eq!(told(value, "https://blue.example:6443").unwrap(), "hunter2");
        }
        assert_eq!(told("hunter2", "https://evil.example").unwrap(), "hunter2");
        for value in [one, some] {
            for server in ["https://evil.example:6443", "http://blue.example:6443", "https://blue.example"] {
                let error = told(value, server).unwrap_err();
                assert!(error.contains("is not for") && !error.contains("hunter2"), "{error}");
            }
        }
        for value in [r#"{"token":"hunter2"}"#, r#"{"server":"hunter2"}"#, "{hunter2"] {
            let error = told(value, "https://blue.example").unwrap_err();
            assert!(error.contains("JSON") && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn only_this_machine_may_be_reached_without_tls() {
        let cluster: ClusterName = "blue".parse().unwrap();
        let word = Allowed { plain_http: true, ..Allowed::default() };
        for (url, without, with) in [
            ("https://blue.example", true, true),
            ("http://127.0.0.1:1", false, true),
            ("http://[::1]:1", false, true),
            ("http://localhost", false, true),
            ("http://10.0.0.1", false, false),
            ("http://127.0.0.1.evil.example", false, false),
        ] {
            let url = url.parse().unwrap();
            assert_eq!(encrypted(&Allowed::default(), &url, &cluster).is_ok(), without, "{url}");
            assert_eq!(encrypted(&word, &url, &cluster).is_ok(), with, "{url}");
        }
    }
}
