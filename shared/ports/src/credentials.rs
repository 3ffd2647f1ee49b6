//! The contracts by which adapters get credentials from each other, without knowing each other.

use crate::Error;
use jiff::Timestamp;
use pawl_domain::cluster::SecretKeyAt;
use pawl_domain::{ClusterName, Namespace, ObjectName, SecretValue};
use std::collections::BTreeMap;
use std::future::Future;

/// What stores need of target clusters to prove an identity: the half of `Clusters` that adapters of stores see.
pub trait ClusterCredentials: Send + Sync {
    /// One key of a Secret. `NotFound` names what is missing.
    fn secret_key(
        &self,
        cluster: &ClusterName,
        at: &SecretKeyAt,
    ) -> impl Future<Output = Result<SecretValue, Error>> + Send;

    /// All of a Secret. `NotFound` names what is missing.
    fn secret(
        &self,
        cluster: &ClusterName,
        namespace: &Namespace,
        name: &ObjectName,
    ) -> impl Future<Output = Result<WholeSecret, Error>> + Send;

    /// One key of a ConfigMap. `NotFound` names what is missing.
    fn config_map_key(
        &self,
        cluster: &ClusterName,
        at: &SecretKeyAt,
    ) -> impl Future<Output = Result<String, Error>> + Send;

    /// The annotations of a service account.
    fn service_account(
        &self,
        cluster: &ClusterName,
        namespace: &Namespace,
        name: &ObjectName,
    ) -> impl Future<Output = Result<BTreeMap<String, String>, Error>> + Send;

    /// A token of a service account for these audiences, valid for ten minutes or more.
    fn service_account_token(
        &self,
        cluster: &ClusterName,
        namespace: &Namespace,
        name: &ObjectName,
        audiences: &[String],
    ) -> impl Future<Output = Result<SecretValue, Error>> + Send;

    /// Where the cluster's API server is, for stores that are the cluster itself. They read with what proves their own
    /// identity: none of Pawl's credentials is told.
    ///
    /// # Errors
    /// Of step `Authenticate`; `Invalid` where more than address and CA is needed to reach it.
    fn api_server(&self, cluster: &ClusterName) -> impl Future<Output = Result<ApiEndpoint, Error>> + Send;
}

/// All of a Secret, for whoever uses it whole.
#[derive(Clone, Debug, Default)]
pub struct WholeSecret {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its data.
    pub data: BTreeMap<String, SecretValue>,
}

/// What connections to clusters need of AWS: the half of it that the adapter of clusters sees.
pub trait ClusterIdentity: Send + Sync {
    /// A bearer token for an EKS cluster, made with `role` if one is given.
    fn eks_token(
        &self,
        region: &str,
        cluster: &str,
        role: Option<&str>,
    ) -> impl Future<Output = Result<BearerToken, Error>> + Send;

    /// Endpoint URL and CA (PEM) of an EKS cluster.
    fn eks_endpoint(
        &self,
        region: &str,
        cluster: &str,
        role: Option<&str>,
    ) -> impl Future<Output = Result<EksEndpoint, Error>> + Send;

    /// The value of a secret that holds a bearer token, read with the identity that Pawl runs with.
    fn token_secret(&self, name: &str) -> impl Future<Output = Result<SecretValue, Error>> + Send;
}

/// A bearer token and when it ends.
#[derive(Clone, Debug)]
pub struct BearerToken {
    /// The token.
    pub token: SecretValue,
    /// When it stops being accepted.
    pub expires: Timestamp,
}

/// Where a cluster's API server is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ApiEndpoint {
    /// Its URL.
    pub url: String,
    /// Its CA as PEM; the machine's own where there is none.
    pub ca: Option<String>,
}

/// Where an EKS cluster's API server is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EksEndpoint {
    /// Its URL.
    pub url: String,
    /// Its CA as PEM.
    pub ca: String,
}
