//! Kubeconfig files, without anything in them that runs a program.

use super::server::{Credentials, invalid};
use kube::Config;
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig, KubeconfigError};
use pawl_domain::cluster::TokenSource;
use pawl_domain::{ClusterName, SecretValue};
use pawl_ports::Error;
use secrecy::ExposeSecret;

/// What a context of a kubeconfig file says.
///
/// # Errors
/// `Invalid` when the file cannot be read or used. Its text is never quoted: it holds tokens and keys.
pub(super) async fn load(
    path: &str,
    context: Option<&str>,
    cluster: &ClusterName,
) -> Result<(Config, Credentials), Error> {
    let failed = |error: KubeconfigError| invalid(cluster, &format!("kubeconfig {path}: {}", reason(&error)));
    let owned = path.to_owned();
    let read = tokio::task::spawn_blocking(move || Kubeconfig::read_from(owned)).await;
    let read = read.map_err(|_| invalid(cluster, "reading the kubeconfig was stopped"))?;
    let options = KubeConfigOptions { context: context.map(str::to_owned), ..KubeConfigOptions::default() };
    let config = Config::from_custom_kubeconfig(read.map_err(failed)?, &options).await.map_err(failed)?;
    let refused = |why: &str| invalid(cluster, &format!("kubeconfig {path}: {why}"));
    if let Some(why) = unusable(&config) {
        return Err(refused(why));
    }
    let credentials = credentials(&config.auth_info);
    Ok((config, credentials))
}

fn unusable(config: &Config) -> Option<&'static str> {
    let user = &config.auth_info;
    if user.exec.is_some() {
        return Some(
            "exec plugins are not run; use spec.eks, or a user with a token or a client certificate",
        );
    }
    if user.auth_provider.is_some() {
        return Some("auth-provider is not supported; use a user with a token or a client certificate");
    }
    if user.username.is_some() || user.password.is_some() {
        return Some(
            "basic authentication is not supported; use a user with a token or a client certificate",
        );
    }
    if user.impersonate.is_some() || user.impersonate_groups.is_some() {
        return Some("impersonation is not supported; give the user itself the rights it needs");
    }
    if config.accept_invalid_certs {
        return Some(
            "insecure-skip-tls-verify would hand values to anybody who answers; give certificate-authority",
        );
    }
    None
}

fn credentials(user: &AuthInfo) -> Credentials {
    match (&user.token, &user.token_file) {
        (Some(token), _) => Credentials::Fixed(SecretValue::new(token.expose_secret())),
        (None, Some(path)) => Credentials::Source(TokenSource::File(path.clone())),
        (None, None) => Credentials::None,
    }
}

fn reason(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::ReadConfig(error, _) => format!("cannot be read: {}", error.kind()),
        KubeconfigError::CurrentContextNotSet => {
            "has no current context; write spec.kubeconfig.context".to_owned()
        }
        KubeconfigError::LoadContext(context) => format!("has no context {context}"),
        KubeconfigError::LoadClusterOfContext(cluster) => format!("has no cluster {cluster}"),
        KubeconfigError::MissingClusterUrl => "has no server for the cluster".to_owned(),
        KubeconfigError::LoadCertificateAuthority(_) | KubeconfigError::ParseCertificates(_) => {
            "its certificate authority cannot be read".to_owned()
        }
        KubeconfigError::LoadClientCertificate(_) => "its client certificate cannot be read".to_owned(),
        KubeconfigError::LoadClientKey(_) => "its client key cannot be read".to_owned(),
        _ => "is not a kubeconfig".to_owned(),
    }
}
