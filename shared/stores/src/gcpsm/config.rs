//! A configuration of a federated identity, as Google gives it out. Source: ESO's GCP provider, version 2.9, and Google's
//! AIP-4117.

use super::hosts::Hosts;
use pawl_domain::store::{GcpFederation, Headers};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

/// What a configuration says, as far as it is followed; `S` is where it may have tokens from.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Config<S = Source> {
    /// Whom the identity is proven to.
    pub(super) audience: String,
    /// What kind of token proves it.
    pub(super) token_type: String,
    /// Where that is traded.
    pub(super) exchange: String,
    /// Where the token of a service account of Google's is had.
    pub(super) impersonation: Option<String>,
    /// How long that one lives, in seconds.
    pub(super) lifetime: Option<u32>,
    /// Id and secret of a client, which the exchange may want.
    pub(super) client: Option<(String, String)>,
    /// Where the token is had that is traded.
    pub(super) source: S,
}

/// Where a token is had that proves the operator's own identity.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum OwnSource {
    /// A file, such as the one that a cluster gives a pod.
    File {
        path: String,
        /// The member of a JSON object that is the token; the whole file is, where there is none.
        member: Option<String>,
    },
    /// The identity of AWS that Pawl runs with.
    Aws,
}

/// Where a token is had.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Source {
    pub(super) url: String,
    pub(super) headers: BTreeMap<String, String>,
    /// The member of a JSON object that is the token; the whole answer is, where there is none.
    pub(super) member: Option<String>,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct File {
    r#type: String,
    audience: String,
    subject_token_type: String,
    token_url: String,
    token_info_url: String,
    service_account_impersonation_url: String,
    service_account_impersonation: Impersonation,
    client_id: String,
    client_secret: String,
    universe_domain: String,
    credential_source: Option<CredentialSource>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Impersonation {
    token_lifetime_seconds: u32,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CredentialSource {
    file: String,
    url: String,
    headers: BTreeMap<String, String>,
    executable: Option<IgnoredAny>,
    certificate: Option<IgnoredAny>,
    environment_id: String,
    format: Format,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Format {
    r#type: String,
    subject_token_field_name: String,
}

/// The kind of token that is traded where nothing else is said.
pub(super) const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const UNIVERSE: &str = "googleapis.com";

/// Reads a configuration for a store with these settings.
///
/// # Errors
/// What is wrong with it and what to write, in words that quote nothing.
pub(super) fn read(json: &str, store: &GcpFederation, hosts: &Hosts) -> Result<Config, &'static str> {
    config(json, store.audience.clone(), hosts, |given| source(given, store))
}

/// Reads the configuration of the operator's own identity.
///
/// # Errors
/// As for [`read`].
pub(super) fn read_own(json: &str, hosts: &Hosts) -> Result<Config<OwnSource>, &'static str> {
    config(json, None, hosts, own_source)
}

fn config<S>(
    json: &str,
    audience: Option<String>,
    hosts: &Hosts,
    source: impl FnOnce(CredentialSource) -> Result<S, &'static str>,
) -> Result<Config<S>, &'static str> {
    let file: File =
        serde_json::from_str(json).map_err(|_| "holds no JSON of an external_account; create it anew")?;
    if file.r#type != "external_account" {
        return Err("is of another type than external_account; create it for a workload identity pool");
    }
    let audience = audience.unwrap_or(file.audience);
    if audience.is_empty() {
        return Err("has no audience; write one in it or in the store");
    }
    let or = |text: String, default: &str| if text.is_empty() { default.to_owned() } else { text };
    let universe = or(file.universe_domain, UNIVERSE);
    let sts = match hosts {
        Hosts::Google => format!("https://sts.{universe}"),
        Hosts::At(address) => address.clone(),
    };
    let exchange = or(file.token_url, &format!("{sts}/v1/token"));
    let info = or(file.token_info_url, &format!("{sts}/v1/introspect"));
    let is_exchange = |url: &str, path: &str| hosts.own(url, Some("sts")) && url.ends_with(path);
    if !is_exchange(&exchange, "/v1/token") || !is_exchange(&info, "/v1/introspect") {
        return Err("has a token_url or token_info_url that is none of Google's; write \
                    https://sts.googleapis.com/v1/token, or leave both out");
    }
    let impersonation = Some(file.service_account_impersonation_url).filter(|url| !url.is_empty());
    if impersonation.as_deref().is_some_and(|url| !impersonates(url, hosts)) {
        return Err("has a service_account_impersonation_url that is none of Google's; write \
                    gcpServiceAccountEmail in the store, and leave it out");
    }
    let client = (!file.client_id.is_empty()).then_some((file.client_id, file.client_secret));
    let lifetime = Some(file.service_account_impersonation.token_lifetime_seconds).filter(|&life| life > 0);
    let source = source(file.credential_source.unwrap_or_default())?;
    let token_type = or(file.subject_token_type, JWT);
    Ok(Config { audience, token_type, exchange, impersonation, lifetime, client, source })
}

fn source(given: CredentialSource, store: &GcpFederation) -> Result<Source, &'static str> {
    if given.executable.is_some() {
        return Err(
            "wants a program to be run, which no configuration may; name a url as its credential_source",
        );
    }
    if !given.file.is_empty() || given.certificate.is_some() {
        return Err(
            "has its token in a file, and Pawl has none of a pod; write serviceAccountRef in place of credConfig",
        );
    }
    if !given.environment_id.is_empty() {
        return Err(
            "has its token from the metadata service of a machine of AWS, which Pawl does not ask; write \
                    awsSecurityCredentials in place of credConfig",
        );
    }
    if given.url.is_empty() {
        return Err("has no credential_source with a url; write one");
    }
    if store.token_endpoint.as_deref() != Some(given.url.as_str()) {
        return Err(
            "has another credential_source.url than the store's externalTokenEndpoint; write the same in both",
        );
    }
    if given.headers.keys().any(|name| Headers::is_forbidden(name)) {
        return Err(
            "has a header that would make the request another one; remove it from credential_source.headers",
        );
    }
    Ok(Source { url: given.url, headers: given.headers, member: member(given.format)? })
}

/// The operator may name files, and Pawl signs for AWS itself: no metadata service is asked.
fn own_source(given: CredentialSource) -> Result<OwnSource, &'static str> {
    // What is made for AWS names the address of a metadata service as well, which is not asked.
    let by_url = !given.url.is_empty() && given.environment_id.is_empty();
    if given.executable.is_some() || given.certificate.is_some() || by_url {
        return Err(
            "has its token from a program, a certificate or a url; name a file, or create it for AWS",
        );
    }
    match (given.file.as_str(), given.environment_id.as_str()) {
        ("", "aws1") => Ok(OwnSource::Aws),
        ("", _) => Err("has no credential_source that is known; name a file, or create it for AWS"),
        (path, "") => Ok(OwnSource::File { path: path.to_owned(), member: member(given.format)? }),
        _ => Err("has two sources of its token; leave one"),
    }
}

/// The member that is the token, where the source is JSON.
fn member(format: Format) -> Result<Option<String>, &'static str> {
    match format.r#type.as_str() {
        "" | "text" => Ok(None),
        "json" if !format.subject_token_field_name.is_empty() => Ok(Some(format.subject_token_field_name)),
        _ => Err("has a credential_source.format that is not known; write text, or json with its field"),
    }
}

/// Source: ESO's pattern of these URLs.
fn impersonates(url: &str, hosts: &Hosts) -> bool {
    let account = || {
        let (_, behind) = url.split_once("/v1/projects/")?;
        let (project, email) = behind.split_once("/serviceAccounts/")?;
        let (name, home) =
            email.strip_suffix(".iam.gserviceaccount.com:generateAccessToken")?.split_once('@')?;
        Some(!project.is_empty() && !project.contains('/') && is_part(name) && is_part(home))
    };
    hosts.own(url, Some("iamcredentials")) && account().unwrap_or(false)
}

fn is_part(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pawl_domain::store::{GcpSubject, SecretKeyRef};
    use serde_json::{Value, json};

    const URL: &str = "https://tokens.example.com/token";
    const IMPERSONATION: &str = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@shop.iam.gserviceaccount.com:generateAccessToken";

    fn store() -> GcpFederation {
        let at = SecretKeyRef { name: "gcp".parse().unwrap(), key: "config".to_owned(), namespace: None };
        GcpFederation {
            subject: GcpSubject::Configured(at),
            audience: None,
            token_endpoint: Some(URL.to_owned()),
            service_account: None,
        }
    }

    fn file(edits: &[(&str, Value)]) -> String {
        let mut file = json!({ "type": "external_account", "audience": "//aud",
            "credential_source": { "url": URL } });
        for (at, value) in edits {
            match at.split_once('.') {
                Some((outer, inner)) => file[outer][inner] = value.clone(),
                None => file[*at] = value.clone(),
            }
        }
        file.to_string()
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let least = read(&file(&[]), &store(), &Hosts::Google).unwrap();
        let source = Source { url: URL.to_owned(), headers: BTreeMap::new(), member: None };
        let want = Config {
            audience: "//aud".to_owned(),
            token_type: JWT.to_owned(),
            exchange: "https://sts.googleapis.com/v1/token".to_owned(),
            impersonation: None,
            lifetime: None,
            client: None,
            source,
        };
        assert_eq!(least, want);
        let edits = [
            ("subject_token_type", json!("urn:ietf:params:oauth:token-type:id_token")),
            ("token_url", json!("https://sts.googleapis.com/v1/token")),
            ("token_info_url", json!("https://sts.googleapis.com/v1/introspect")),
            ("service_account_impersonation_url", json!(IMPERSONATION)),
            ("service_account_impersonation", json!({ "token_lifetime_seconds": 600 })),
            ("client_id", json!("id")),
            ("client_secret", json!("secret")),
            ("quota_project_id", json!("other")),
            ("credential_source.headers", json!({ "x-mine": "1" })),
            ("credential_source.format", json!({ "type": "json", "subject_token_field_name": "token" })),
        ];
        let store = GcpFederation { audience: Some("//store".to_owned()), ..store() };
        let all = read(&file(&edits), &store, &Hosts::Google).unwrap();
        assert_eq!((all.audience.as_str(), all.lifetime), ("//store", Some(600)), "the store's comes first");
        assert_eq!(all.impersonation.as_deref(), Some(IMPERSONATION));
        assert_eq!(all.client, Some(("id".to_owned(), "secret".to_owned())));
        assert_eq!((all.source.member.as_deref(), all.source.headers.len()), (Some("token"), 1));
    }

    #[test]
    fn what_would_lead_elsewhere_is_refused() {
        for (edit, said) in [
            (("type", json!("service_account")), "another type"),
            (("audience", json!("")), "no audience"),
            (("token_url", json!("https://sts.evil.example/v1/token")), "token_url"),
            (("token_url", json!("https://sts.googleapis.com/v2/token")), "token_url"),
            (("token_info_url", json!("https://evil.example/v1/introspect")), "token_info_url"),
            (("universe_domain", json!("evil.example")), "token_url"),
            (("service_account_impersonation_url", json!("https://evil.example/v1")), "impersonation"),
            (
                ("service_account_impersonation_url", json!(IMPERSONATION.replace("a@", "a/b@"))),
                "impersonation",
            ),
            (("credential_source.executable", json!({ "command": "sh" })), "a program"),
            (("credential_source.file", json!("/var/run/token")), "serviceAccountRef"),
            (("credential_source.certificate", json!({})), "serviceAccountRef"),
            (("credential_source.environment_id", json!("aws1")), "awsSecurityCredentials"),
            (("credential_source.url", json!("https://other.example.com")), "externalTokenEndpoint"),
            (("credential_source.url", json!("")), "no credential_source"),
            (("credential_source.headers", json!({ "Host": "metadata" })), "a header"),
            (("credential_source.format", json!({ "type": "json" })), "format"),
        ] {
            let error = read(&file(std::slice::from_ref(&edit)), &store(), &Hosts::Google).unwrap_err();
            assert!(error.contains(said), "{edit:?}: {error}");
        }
        assert!(read("hunter2", &store(), &Hosts::Google).unwrap_err().contains("no JSON"));
        let without = GcpFederation { token_endpoint: None, ..store() };
        assert!(read(&file(&[]), &without, &Hosts::Google).is_err(), "the store must name it as well");
    }

    #[test]
    fn the_operators_own_may_name_a_file_or_aws() {
        let own = |source: Value| {
            let config = read_own(&file(&[("credential_source", source)]), &Hosts::Google);
            config.map(|config| config.source)
        };
        let at = |path: &str, member: Option<&str>| {
            Ok(OwnSource::File { path: path.to_owned(), member: member.map(str::to_owned) })
        };
        let metadata = "http://169.254.169.254/latest/meta-data/iam/security-credentials";
        let format = json!({ "type": "json", "subject_token_field_name": "token" });
        for (source, want) in [
            (json!({ "file": "/run/token" }), at("/run/token", None)),
            (json!({ "file": "/run/token", "format": format }), at("/run/token", Some("token"))),
            (json!({ "environment_id": "aws1", "url": metadata }), Ok(OwnSource::Aws)),
        ] {
            assert_eq!(own(source.clone()), want, "{source}");
        }
        for source in [
            json!({}),
            json!({ "url": URL }),
            json!({ "environment_id": "aws2" }),
            json!({ "file": "/run/token", "environment_id": "aws1" }),
            json!({ "file": "/run/token", "executable": { "command": "sh" } }),
            json!({ "file": "/run/token", "format": { "type": "xml" } }),
        ] {
            assert!(own(source.clone()).is_err(), "{source}");
        }
        let elsewhere = file(&[("token_url", json!("https://sts.evil.example/v1/token"))]);
        assert!(read_own(&elsewhere, &Hosts::Google).is_err(), "a token goes to Google alone");
    }
}
