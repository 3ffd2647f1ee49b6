//! Fulfils the ports: clusters for the flow, credentials for the stores.

use crate::call::{Call, NAMESPACES, Verb};
use crate::connect::{ClusterDirectory, Connections, Shared};
use crate::options::Options;
use crate::watch::{self, OwnWrites};
use crate::wire::Object;
use crate::{credentials, families, push, scan, status, store_status, targets, workloads};
use pawl_domain::cluster::SecretKeyAt;
use pawl_domain::push::{ByNameOrLabels, PushData};
use pawl_domain::reconcile::{Action, Existing, Replacement};
use pawl_domain::spread::{ChildAction, Content, Family, Namespaces, Parent, Told};
use pawl_domain::{
    Cluster, ClusterName, DeclarationId, Home, Manifests, Namespace, ObjectName, PushSecret, SecretValue,
    SourceSecret, Step, StoreId,
};
use pawl_ports::{
    ApiEndpoint, Clock, ClusterCredentials, ClusterIdentity, Clusters, Error, Families, Parents, PushStatus,
    Sighting, Status, StoreStatus, TargetRef, TemplateKind, Watches, WholeSecret, Workload, Writer,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::mpsc::Sender;

/// All clusters that `D` knows, reached with tokens that `I` makes.
///
/// Connections are made on first use and kept. Nothing is retried in here, save once after a token was refused: whether
/// to try again is the flow's decision.
pub struct KubernetesClusters<I, D> {
    connections: Connections<I, D>,
    own: OwnWrites,
}

impl<I: ClusterIdentity, D: ClusterDirectory> KubernetesClusters<I, D> {
    /// No connection is made yet. `clock` tells when tokens end.
    pub fn new(identity: Arc<I>, directory: D, clock: Arc<dyn Clock>, options: Options) -> Self {
        let connections = Connections::new(Shared { identity, clock, options }, directory);
        Self { connections, own: OwnWrites::default() }
    }
}

impl<I: ClusterIdentity + 'static, D: ClusterDirectory> Clusters for KubernetesClusters<I, D> {
    async fn read(&self, target: TargetRef<'_>) -> Result<Option<Existing>, Error> {
        targets::read(&*self.connections.link(&target.of.cluster).await?, target).await
    }

    async fn apply(&self, target: TargetRef<'_>, action: &Action) -> Result<Option<String>, Error> {
        let DeclarationId { cluster, namespace, .. } = target.of;
        let link = self.connections.link(cluster).await?;
        // Of other kinds nothing is watched.
        let writing = target.kind.is_none().then(|| self.own.begin(cluster, namespace, target.name));
        let written = targets::apply(&link, target, action).await?;
        // Who else keeps that Secret up is concerned by a change of its owners, and hears of it by the watch.
        let is_handed_over = matches!(action, Action::Update { parts, .. } if parts.owners);
        if let (Some(writing), Some(version)) = (writing, written.as_ref().filter(|_| !is_handed_over)) {
            writing.wrote(version);
        }
        Ok(written)
    }

    async fn replace(
        &self,
        id: &DeclarationId,
        secret: &ObjectName,
        resource_version: &str,
        replacement: &Replacement,
    ) -> Result<String, Error> {
        let link = self.connections.link(&id.cluster).await?;
        let target = TargetRef::secret(id, secret);
        let writing = self.own.begin(&id.cluster, &id.namespace, secret);
        let written = targets::replace(&link, target, resource_version, replacement).await?;
        writing.wrote(&written);
        Ok(written)
    }

    async fn delete_owned(&self, target: TargetRef<'_>) -> Result<bool, Error> {
        let DeclarationId { cluster, namespace, .. } = target.of;
        let link = self.connections.link(cluster).await?;
        let _writing = target.kind.is_none().then(|| self.own.begin(cluster, namespace, target.name));
        targets::delete_owned(&link, target).await
    }

    async fn template_source(
        &self,
        id: &DeclarationId,
        kind: TemplateKind,
        name: &ObjectName,
    ) -> Result<BTreeMap<String, SecretValue>, Error> {
        targets::template_source(&*self.connections.link(&id.cluster).await?, id, kind, name).await
    }

    async fn namespace_labels(
        &self,
        cluster: &ClusterName,
        namespace: &Namespace,
    ) -> Result<BTreeMap<String, String>, Error> {
        let link = self.connections.link(cluster).await?;
        let call = Call::new(Step::Lookup, Verb::Get, &NAMESPACES).name(namespace.as_str()).metadata_only();
        let object: Object = link.send(&call).await?.or_fail(&call, cluster)?.read(&call, cluster)?;
        Ok(object.metadata.labels.unwrap_or_default())
    }

    async fn workloads(&self, cluster: &ClusterName, namespace: &Namespace) -> Result<Vec<Workload>, Error> {
        workloads::all(&*self.connections.link(cluster).await?, namespace).await
    }

    async fn managed(
        &self,
        cluster: &ClusterName,
    ) -> Result<BTreeMap<(Namespace, ObjectName), String>, Error> {
        targets::managed(&*self.connections.link(cluster).await?).await
    }

    async fn manifests(&self, cluster: &Cluster) -> Result<Manifests, Error> {
        let options = self.connections.options();
        scan::manifests(&*self.connections.link_to(cluster), &options.class, options.pushes).await
    }

    async fn stores(&self, cluster: &Cluster) -> Result<Manifests, Error> {
        let class = &self.connections.options().class;
        scan::stores(&*self.connections.link_to(cluster), class).await
    }

    async fn publish(&self, id: &DeclarationId, status: &Status) -> Result<(), Error> {
        status::publish(&*self.connections.link(&id.cluster).await?, id, status).await
    }

    async fn push_sources(
        &self,
        cluster: &ClusterName,
        namespace: &Namespace,
        choice: &ByNameOrLabels,
    ) -> Result<Vec<SourceSecret>, Error> {
        push::sources(&*self.connections.link(cluster).await?, namespace, choice).await
    }

    async fn finalize_push(
        &self,
        push: &PushSecret,
        wanted: bool,
    ) -> Result<Option<Vec<(StoreId, PushData)>>, Error> {
        push::finalize(&*self.connections.link(&push.id.cluster).await?, push, wanted).await
    }

    async fn publish_push(&self, id: &DeclarationId, status: &PushStatus) -> Result<(), Error> {
        push::publish(&*self.connections.link(&id.cluster).await?, id, status).await
    }

    async fn publish_store(&self, store: &StoreId, status: &StoreStatus) -> Result<(), Error> {
        let Home::Cluster(cluster) = &store.home else { return Ok(()) };
        store_status::publish(&*self.connections.link(cluster).await?, store, status).await
    }
}

impl<I: ClusterIdentity + 'static, D: ClusterDirectory> Families for KubernetesClusters<I, D> {
    async fn parents(&self, cluster: &Cluster) -> Result<Parents, Error> {
        families::parents(&*self.connections.link_to(cluster)).await
    }

    async fn namespaces(&self, cluster: &Cluster) -> Result<Namespaces, Error> {
        families::namespaces(&*self.connections.link_to(cluster)).await
    }

    async fn family(&self, cluster: &Cluster, child: &ObjectName) -> Result<Family, Error> {
        families::family(&*self.connections.link_to(cluster), child).await
    }

    async fn act_on_child(
        &self,
        cluster: &Cluster,
        at: (&Namespace, &ObjectName),
        action: &ChildAction,
        content: &Content,
    ) -> Result<(), Error> {
        families::act(&*self.connections.link_to(cluster), at, action, content).await
    }

    async fn tell_parent(&self, cluster: &Cluster, parent: &ObjectName, told: &Told) -> Result<(), Error> {
        families::tell(&*self.connections.link_to(cluster), parent, told).await
    }

    async fn release_parent(
        &self,
        cluster: &Cluster,
        parent: &Parent,
        finalizers: &[String],
    ) -> Result<(), Error> {
        families::release(&*self.connections.link_to(cluster), parent, finalizers).await
    }
}

impl<I: ClusterIdentity + 'static, D: ClusterDirectory> Watches for KubernetesClusters<I, D> {
    async fn watch(&self, cluster: &Cluster, told: &Sender<Sighting>) {
        let link = self.connections.link_to(cluster);
        let options = self.connections.options();
        let wanted =
            watch::Wanted { is_indexed: cluster.index, pushes: options.pushes, families: options.families };
        watch::all(&*link, &options.class, wanted, told).await;
    }

    fn writer(
        &self,
        cluster: &ClusterName,
        namespace: &Namespace,
        name: &ObjectName,
        resource_version: Option<&str>,
    ) -> Writer {
        self.own.writer(cluster, namespace, name, resource_version)
    }
}

impl<I: ClusterIdentity + 'static, D: ClusterDirectory> ClusterCredentials for KubernetesClusters<I, D> {
    async fn secret_key(&self, cluster: &ClusterName, at: &SecretKeyAt) -> Result<SecretValue, Error> {
        credentials::secret_key(&*self.connections.link(cluster).await?, at).await
    }

    async fn secret(
        &self,
        cluster: &ClusterName,
        namespace: &Namespace,
        name: &ObjectName,
    ) -> Result<WholeSecret, Error> {
        credentials::secret(&*self.connections.link(cluster).await?, namespace, name).await
    }

    async fn config_map_key(&self, cluster: &ClusterName, at: &SecretKeyAt) -> Result<String, Error> {
        credentials::config_map_key(&*self.connections.link(cluster).await?, at).await
    }

    async fn service_account(
        &self,
        cluster: &ClusterName,
        namespace: &Namespace,
        name: &ObjectName,
    ) -> Result<BTreeMap<String, String>, Error> {
        credentials::service_account(&*self.connections.link(cluster).await?, namespace, name).await
    }

    async fn service_account_token(
        &self,
        cluster: &ClusterName,
        namespace: &Namespace,
        name: &ObjectName,
        audiences: &[String],
    ) -> Result<SecretValue, Error> {
        let link = self.connections.link(cluster).await?;
        credentials::token(&link, namespace, name, audiences).await
    }

    async fn api_server(&self, cluster: &ClusterName) -> Result<ApiEndpoint, Error> {
        self.connections.link(cluster).await?.endpoint().await
    }
}
