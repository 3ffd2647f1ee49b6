//! Where a cluster's API server is, and the token that it takes.

use super::Shared;
use super::admission;
use super::bearer::{Bearer, Bearers};
use super::kubeconfig;
use super::transport::Transport;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use jiff::Timestamp;
use kube::Config;
use pawl_domain::cluster::{Connection, TokenSource};
use pawl_domain::{Cluster, ClusterName, Kind, SecretValue, Step};
use pawl_ports::{ApiEndpoint, ClusterIdentity, EksEndpoint, Error};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long a token lasts that comes from a file; whoever rotates it waits at least this long before ending the old one.
const FILE_TOKEN_LIFE: Duration = Duration::from_secs(60);
/// How long a token lasts that comes from Secrets Manager.
const SECRET_TOKEN_LIFE: Duration = Duration::from_secs(10 * 60);
/// How long before its end a token is no longer used: a request may wait for its turn and for its answer.
const BEFORE_EXPIRY: Duration = Duration::from_secs(60);

/// An API server that was found, with its connections and its token. Clones share both.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) transport: Transport,
    pub(super) found: Instant,
    /// What others need to reach it, or why that is not enough.
    pub(super) endpoint: Result<ApiEndpoint, &'static str>,
    url: Uri,
    credentials: Credentials,
    pub(super) bearers: Arc<Bearers>,
}

/// Where the token comes from.
#[derive(Clone)]
pub(super) enum Credentials {
    /// None, or a client certificate, which is the transport's matter.
    None,
    /// It is known.
    Fixed(SecretValue),
    /// It is made for an EKS cluster.
    Eks { region: String, name: String, role: Option<String> },
    /// It is read.
    Source(TokenSource),
}

/// Finds the API server of a cluster.
///
/// # Errors
/// `Invalid` for a declaration that cannot be used, and what asking EKS says.
pub(super) async fn find<I: ClusterIdentity>(cluster: &Cluster, shared: &Shared<I>) -> Result<Server, Error> {
    let (name, allowed) = (&cluster.name, &shared.options.allowed);
    let (config, credentials) = match &cluster.connection {
        Connection::Eks { name: eks, region, role, endpoint, ca } => {
            let EksEndpoint { url, ca } = match (endpoint, ca) {
                (Some(url), Some(ca)) if allowed.has_eks_endpoint(url) => {
                    EksEndpoint { url: url.clone(), ca: ca.clone() }
                }
                _ => {
                    let found = shared.identity.eks_endpoint(region, eks, role.as_deref()).await?;
                    admission::agreed(endpoint.as_deref(), ca.as_deref(), found, allowed, name)?
                }
            };
            let credentials =
                Credentials::Eks { region: region.clone(), name: eks.clone(), role: role.clone() };
            (config(&url, Some(&ca), name)?, credentials)
        }
        Connection::Url { url, ca, token } => {
            (config(url, ca.as_deref(), name)?, Credentials::Source(token.clone()))
        }
        Connection::Kubeconfig { path, context } => {
            let path = admission::file(allowed, path, "spec.kubeconfig.path", name).await?;
            kubeconfig::load(&path.to_string_lossy(), context.as_deref(), name).await?
        }
    };
    admission::encrypted(allowed, &config.cluster_url, name)?;
    let transport = Transport::new(&config, &shared.options)
        .map_err(|why| invalid(name, &format!("its certificates cannot be used: {why}")))?;
    let endpoint = endpoint(&config);
    let url = config.cluster_url;
    Ok(Server { transport, found: Instant::now(), endpoint, url, credentials, bearers: Arc::default() })
}

fn endpoint(config: &Config) -> Result<ApiEndpoint, &'static str> {
    if config.proxy_url.is_some() || config.tls_server_name.is_some() {
        return Err("its kubeconfig has a proxy-url or a tls-server-name, which its stores could not use");
    }
    let pem = |der: &Vec<u8>| {
        let text = STANDARD.encode(der);
        let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
    };
    let ca = config.root_cert.as_ref().map(|roots| roots.iter().map(pem).collect());
    Ok(ApiEndpoint { url: config.cluster_url.to_string().trim_end_matches('/').to_owned(), ca })
}

impl Server {
    /// Forgets a token that was refused, so that the next one is new. `false` if there is no other.
    pub(super) fn renew(&self, refused: &Bearer) -> bool {
        self.bearers.forget(refused);
        !matches!(self.credentials, Credentials::None | Credentials::Fixed(_))
    }

    /// Makes a token, or reads it where it is kept.
    pub(super) async fn mint<I: ClusterIdentity>(
        &self,
        shared: &Shared<I>,
        cluster: &ClusterName,
    ) -> Result<Bearer, Error> {
        let allowed = &shared.options.allowed;
        if let Credentials::Source(token) = &self.credentials {
            admission::source(allowed, token, cluster)?;
        }
        let made = |token: SecretValue, until: Option<Timestamp>| {
            let token = admission::token(token, &self.url, cluster)?;
            Bearer::new(&token, until).ok_or_else(|| unusable(cluster))
        };
        let lasting =
            |token: SecretValue, life: Duration| made(token, shared.clock.now().checked_add(life).ok());
        match &self.credentials {
            Credentials::None => Ok(Bearer::none()),
            Credentials::Fixed(token) => Bearer::new(token, None).ok_or_else(|| unusable(cluster)),
            Credentials::Eks { region, name, role } => {
                let made = shared.identity.eks_token(region, name, role.as_deref()).await?;
                let until = made.expires.checked_sub(BEFORE_EXPIRY).ok();
                Bearer::new(&made.token, until).ok_or_else(|| unusable(cluster))
            }
            Credentials::Source(TokenSource::File(path)) => {
                let path = admission::file(allowed, path, "its token file", cluster).await?;
                let bytes = tokio::fs::read(&path).await.map_err(|error| {
                    let why = format!("its token file {} cannot be read: {}", path.display(), error.kind());
                    invalid(cluster, &why)
                })?;
                lasting(SecretValue::new(bytes), FILE_TOKEN_LIFE)
            }
            Credentials::Source(TokenSource::Env(variable)) => {
                let token = (shared.options.lookup)(variable);
                let token = token.ok_or_else(|| {
                    invalid(cluster, &format!("environment variable {variable} is not set"))
                })?;
                made(token, None)
            }
            Credentials::Source(TokenSource::SecretsManager(secret)) => {
                lasting(shared.identity.token_secret(secret).await?, SECRET_TOKEN_LIFE)
            }
        }
    }
}

fn config(url: &str, ca: Option<&str>, cluster: &ClusterName) -> Result<Config, Error> {
    let url: Uri = url.parse().map_err(|_| invalid(cluster, "its URL is not one"))?;
    let mut config = Config::new(url);
    if let Some(pem) = ca {
        let certificates: Result<Vec<CertificateDer<'_>>, _> =
            CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
        let certificates = certificates.ok().filter(|found| !found.is_empty());
        let certificates = certificates.ok_or_else(|| invalid(cluster, "its CA is no certificate in PEM"))?;
        config.root_cert = Some(certificates.iter().map(|der| der.to_vec()).collect());
    }
    Ok(config)
}

/// The error for a cluster whose declaration cannot be used.
pub(super) fn invalid(cluster: &ClusterName, why: &str) -> Error {
    Error::new(
        Step::Authenticate,
        Kind::Invalid,
        format!("cluster {cluster} cannot be connected to: {why}; correct the Cluster"),
    )
}

fn unusable(cluster: &ClusterName) -> Error {
    let message = format!("the token for cluster {cluster} is empty or no text; look where it comes from");
    Error::new(Step::Authenticate, Kind::Invalid, message)
}
