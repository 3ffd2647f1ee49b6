//! Reads, writes and deletes targets through the circuit breaker of their cluster, and decides which kinds may be
//! written.

use crate::parts::Base;
use pawl_domain::reconcile::{Action, Existing};
use pawl_domain::record::Owed;
use pawl_domain::{Complaint, Declaration, DeclarationId, Kind, Step};
use pawl_ports::{Clusters, Error, Ports, TargetRef};

impl<P: Ports> Base<P> {
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

    pub(crate) async fn read_target(&self, target: TargetRef<'_>) -> Result<Option<Existing>, Error> {
        self.at_cluster(&target.of.cluster, Step::Read, self.ports.clusters().read(target)).await
    }

    pub(crate) async fn apply_target(
        &self,
        target: TargetRef<'_>,
        action: &Action,
    ) -> Result<Option<String>, Error> {
        self.at_cluster(&target.of.cluster, Step::Write, self.ports.clusters().apply(target, action)).await
    }

    /// Deletes what the declaration made and owns. An object of a kind that is switched off stays, as in ESO.
    pub(crate) async fn delete_target(&self, target: TargetRef<'_>) -> Result<bool, Error> {
        if target.kind.is_some_and(|kind| !self.settings.generic_targets || kind.is_forbidden()) {
            return Ok(false);
        }
        self.at_cluster(&target.of.cluster, Step::Write, self.ports.clusters().delete_owned(target)).await
    }

    /// Deletes the targets that are owed, as far as that can be done. Returns whether one was, and why one could not be.
    pub(crate) async fn delete_owed(&self, id: &DeclarationId, owed: &mut Owed) -> (bool, Option<Error>) {
        let (mut deleted, mut problem) = (false, None);
        for former in std::mem::take(&mut owed.targets) {
            match self.delete_target(TargetRef::former(id, &former)).await {
                Ok(one) => deleted |= one,
                Err(error) => {
                    problem = Some(error.within(&format!("the former target {} stays: ", former.name)));
                    owed.targets.push(former);
                }
            }
        }
        (deleted, problem)
    }
}
