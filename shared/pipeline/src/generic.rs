//! Targets of any kind: whether they may be written at all, and which of the port's methods serves them.

use crate::pipeline::Pipeline;
use pawl_domain::declaration::Manifest;
use pawl_domain::reconcile::{Action, Existing};
use pawl_domain::{Complaint, Declaration, DeclarationId, Kind, ObjectName, Step};
use pawl_ports::{Clusters, Error, Ports};

impl<P: Ports> Pipeline<P> {
    /// A target that is no Secret must be switched on, and be of a kind that declarations may write.
    pub(crate) fn check_kind(&self, declaration: &Declaration) -> Result<(), Error> {
        let Some(kind) = declaration.target.generic() else { return Ok(()) };
        let message = if !self.settings.generic_targets {
            format!(
                "target.manifest: generic targets are disabled, so no {kind} is written; set \
                 PAWL_UNSAFE_GENERIC_TARGETS=true, and grant it in the clusters, or remove target.manifest"
            )
        } else if kind.is_forbidden() {
            format!("target.manifest: no declaration may write a {kind}; use another kind")
        } else {
            return Ok(());
        };
        Err(Error::new(Step::Write, Kind::Invalid, message).complaining(Complaint::GenericTarget))
    }

    pub(crate) async fn read_target(&self, declaration: &Declaration) -> Result<Option<Existing>, Error> {
        let (id, target, clusters) = (&declaration.id, &declaration.target, self.ports.clusters());
        let call = async {
            match target.generic() {
                Some(kind) => clusters.read_object(id, kind, &target.name).await,
                None => clusters.read(id, &target.name).await,
            }
        };
        self.at_cluster(&id.cluster, Step::Read, call).await
    }

    pub(crate) async fn apply_target(
        &self,
        declaration: &Declaration,
        action: &Action,
    ) -> Result<Option<String>, Error> {
        let (id, target, clusters) = (&declaration.id, &declaration.target, self.ports.clusters());
        let call = async {
            match target.generic() {
                Some(kind) => clusters.apply_object(id, kind, &target.name, action).await,
                None => clusters.apply(id, &target.name, action).await,
            }
        };
        self.at_cluster(&id.cluster, Step::Write, call).await
    }

    /// Deletes what the declaration made and owns. An object of a kind that is switched off stays, as in ESO.
    pub(crate) async fn delete_target(
        &self,
        id: &DeclarationId,
        kind: Option<&Manifest>,
        name: &ObjectName,
    ) -> Result<bool, Error> {
        let call = async {
            match kind {
                Some(kind) if !self.settings.generic_targets || kind.is_forbidden() => Ok(false),
                Some(kind) => self.ports.clusters().delete_owned_object(id, kind, name).await,
                None => self.ports.clusters().delete_owned(id, name).await,
            }
        };
        self.at_cluster(&id.cluster, Step::Write, call).await
    }
}
