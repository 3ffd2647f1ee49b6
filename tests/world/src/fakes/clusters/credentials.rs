use super::FakeClusters;
use crate::door::Passage;
use crate::fault::Point;
use pawl_domain::cluster::SecretKeyAt;
use pawl_domain::{ClusterName, Kind, Namespace, ObjectName, SecretValue, Step};
use pawl_ports::{ApiEndpoint, ClusterCredentials, Error, WholeSecret};
use std::collections::BTreeMap;

impl ClusterCredentials for FakeClusters {
    async fn secret_key(&self, cluster: &ClusterName, at: &SecretKeyAt) -> Result<SecretValue, Error> {
        let passage = self.credentials(cluster, &at.namespace).await?;
        let place = format!("{cluster}: key {} of Secret {}/{}", at.key, at.namespace, at.name);
        let value = self.state(cluster, Step::Authenticate, |state| {
            let secret = state.secrets.get(&(at.namespace.clone(), at.name.clone()));
            let value = secret.and_then(|secret| secret.data.get(&at.key)).cloned();
            value.ok_or_else(|| missing(&place))
        })?;
        passage.leave(value)
    }

    async fn secret(
        &self,
        cluster: &ClusterName,
        namespace: &Namespace,
        name: &ObjectName,
    ) -> Result<WholeSecret, Error> {
        let passage = self.credentials(cluster, namespace).await?;
        let secret = self.state(cluster, Step::Authenticate, |state| {
            let found = state.secrets.get(&(namespace.clone(), name.clone())).cloned();
            found.ok_or_else(|| missing(&format!("{cluster}: Secret {namespace}/{name}")))
        })?;
        passage.leave(WholeSecret { labels: secret.labels, data: secret.data })
    }

    async fn config_map_key(&self, cluster: &ClusterName, at: &SecretKeyAt) -> Result<String, Error> {
        let passage = self.credentials(cluster, &at.namespace).await?;
        let place = format!("{cluster}: key {} of ConfigMap {}/{}", at.key, at.namespace, at.name);
        let text = self.state(cluster, Step::Authenticate, |state| {
            let found = state.config_maps.get(&(at.namespace.clone(), at.name.clone()));
            found.and_then(|data| data.get(&at.key)).cloned().ok_or_else(|| missing(&place))
        })?;
        passage.leave(text)
    }

    async fn service_account(
        &self,
        cluster: &ClusterName,
        namespace: &Namespace,
        name: &ObjectName,
    ) -> Result<BTreeMap<String, String>, Error> {
        let passage = self.credentials(cluster, namespace).await?;
        let annotations = self.annotations(cluster, namespace, name)?;
        passage.leave(annotations)
    }

    async fn service_account_token(
        &self,
        cluster: &ClusterName,
        namespace: &Namespace,
        name: &ObjectName,
        audiences: &[String],
    ) -> Result<SecretValue, Error> {
        let passage = self.credentials(cluster, namespace).await?;
        self.annotations(cluster, namespace, name)?;
        passage.leave(SecretValue::new(format!(
            "token {cluster}/{namespace}/{name} for {}",
            audiences.join(",")
        )))
    }

    async fn api_server(&self, cluster: &ClusterName) -> Result<ApiEndpoint, Error> {
        let subjects = [cluster.as_str()];
        let passage =
            self.door.pass(Point::Credentials, &subjects, |calls| calls.credential_reads += 1).await?;
        let endpoint = self.state(cluster, Step::Authenticate, |state| {
            let endpoint = state.endpoint.clone();
            endpoint.ok_or_else(|| missing(&format!("{cluster}: an address of its API server")))
        })?;
        passage.leave(endpoint)
    }
}

impl FakeClusters {
    async fn credentials(&self, cluster: &ClusterName, namespace: &Namespace) -> Result<Passage, Error> {
        let subjects = [cluster.as_str(), &format!("{cluster}/{namespace}")];
        self.door.pass(Point::Credentials, &subjects, |calls| calls.credential_reads += 1).await
    }

    fn annotations(
        &self,
        cluster: &ClusterName,
        namespace: &Namespace,
        name: &ObjectName,
    ) -> Result<BTreeMap<String, String>, Error> {
        self.state(cluster, Step::Authenticate, |state| {
            let found = state.service_accounts.get(&(namespace.clone(), name.clone())).cloned();
            found.ok_or_else(|| missing(&format!("{cluster}: service account {namespace}/{name}")))
        })
    }
}

fn missing(what: &str) -> Error {
    Error::new(Step::Authenticate, Kind::NotFound, format!("{what} does not exist; create it"))
}
