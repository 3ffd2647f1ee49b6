//! Settings of connections to clusters, and which credentials Clusters may name.

use super::{Error, Lookup, duration, number, switch};
use pawl_domain::cluster::Allowed;
use std::path::PathBuf;
use std::time::Duration;

/// How clusters are talked to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Clusters {
    /// Requests to one cluster at the same time (`PAWL_CLUSTER_CONCURRENCY`).
    pub concurrency: usize,
    /// How long one request may take (`PAWL_CLUSTER_TIMEOUT`).
    pub timeout: Duration,
    /// Which credentials Clusters may name.
    pub allowed: Allowed,
}

impl Clusters {
    /// Reads the variables; each has a default.
    ///
    /// # Errors
    /// The first variable that cannot be read.
    pub fn read(lookup: &dyn Lookup) -> Result<Self, Error> {
        Ok(Self {
            concurrency: number(lookup, "PAWL_CLUSTER_CONCURRENCY", 16)?.max(1),
            timeout: duration(lookup, "PAWL_CLUSTER_TIMEOUT", Duration::from_secs(10))?,
            allowed: cluster_credentials(lookup)?,
        })
    }
}

/// Reads which credentials Clusters may name.
///
/// | variable | setting |
/// |---|---|
/// | `PAWL_CLUSTER_SECRETS` | patterns, by commas, of the secrets that `tokenSecret` may name; `pawl/clusters/*` |
/// | `PAWL_CLUSTER_FILES` | directories, by colons, of token files and kubeconfigs; `/etc/pawl/clusters` |
/// | `PAWL_CLUSTER_PLAIN_HTTP` | `true`: API servers on this machine may be reached without TLS |
/// | `PAWL_CLUSTER_EKS_ENDPOINTS` | endpoints of EKS clusters, by commas, that are used as Clusters give them |
///
/// Variables that `tokenEnv` may name begin with `PAWL_CLUSTER_TOKEN_`, always.
///
/// # Errors
/// The first variable that cannot be read; a directory that is not named from the root.
pub fn cluster_credentials(lookup: &dyn Lookup) -> Result<Allowed, Error> {
    let defaults = Allowed::default();
    let list = |name: &str, by: char| -> Option<Vec<String>> {
        let text = lookup.get(name)?;
        Some(text.split(by).map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect())
    };
    let name = "PAWL_CLUSTER_FILES";
    let files = list(name, ':').map(|files| files.into_iter().map(PathBuf::from).collect::<Vec<_>>());
    let files = files.unwrap_or(defaults.files);
    if files.iter().any(|directory| !directory.is_absolute() || directory.parent().is_none()) {
        let rule = "write directories from the root and below it, such as /etc/pawl/clusters".to_owned();
        return Err(Error::Invalid { name, rule });
    }
    Ok(Allowed {
        secrets: list("PAWL_CLUSTER_SECRETS", ',').unwrap_or(defaults.secrets),
        variables: defaults.variables,
        files,
        plain_http: switch(lookup, "PAWL_CLUSTER_PLAIN_HTTP")?,
        eks_endpoints: list("PAWL_CLUSTER_EKS_ENDPOINTS", ',').unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_says_stays_as_it_is() {
        assert_eq!(cluster_credentials(&|_: &str| None), Ok(Allowed::default()));
        let said = |name: &str| match name {
            "PAWL_CLUSTER_SECRETS" => Some("a/*, arn:aws:secretsmanager:*:1:secret:b,".to_owned()),
            "PAWL_CLUSTER_FILES" => Some("/a:/b/c".to_owned()),
            "PAWL_CLUSTER_EKS_ENDPOINTS" => Some("https://x".to_owned()),
            _ => None,
        };
        let read = cluster_credentials(&said).unwrap();
        assert_eq!(read.secrets, ["a/*", "arn:aws:secretsmanager:*:1:secret:b"]);
        assert_eq!(read.files, [PathBuf::from("/a"), PathBuf::from("/b/c")]);
        assert!(!read.plain_http && read.eks_endpoints == ["https://x"]);
    }

    #[test]
    fn a_directory_that_holds_everything_is_refused() {
        for text in ["/", "tokens", "/a:b"] {
            let lookup = move |name: &str| (name == "PAWL_CLUSTER_FILES").then(|| text.to_owned());
            assert!(cluster_credentials(&lookup).is_err(), "{text}");
        }
    }
}
