//! Clients and objects for the tests.

#![allow(dead_code, reason = "each test file uses what it needs")]
#![allow(clippy::unwrap_used, reason = "a test fails where its helpers do")]

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use pawl_devcluster::DevCluster;

/// A client for the administrator, made from the cluster's kubeconfig.
pub(crate) async fn client(cluster: &DevCluster) -> Client {
    client_with(cluster, cluster.token()).await
}

/// A client for a token. It does not retry, so that each test sees every answer.
pub(crate) async fn client_with(cluster: &DevCluster, token: &str) -> Client {
    let kubeconfig = Kubeconfig::from_yaml(&cluster.kubeconfig_for(token)).unwrap();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    config.default_retry = false;
    Client::try_from(config).unwrap()
}

/// A Secret with these values.
pub(crate) fn secret(name: &str, data: &[(&str, &str)]) -> Secret {
    let mut secret = Secret::default();
    secret.metadata.name = Some(name.to_owned());
    if !data.is_empty() {
        let bytes = |(key, value): &(&str, &str)| ((*key).to_owned(), ByteString(value.as_bytes().to_vec()));
        secret.data = Some(data.iter().map(bytes).collect());
    }
    secret
}

/// The Status of a refused call.
pub(crate) fn status_of<T: std::fmt::Debug>(answer: kube::Result<T>) -> kube::core::Status {
    match answer {
        Err(kube::Error::Api(status)) => *status,
        other => panic!("a refusal was expected, not {other:?}"),
    }
}
