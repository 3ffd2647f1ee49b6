//! What would become of a cluster's targets if Pawl took over what is declared there.

use crate::index::refuse_duplicates;
use crate::parts::Rehearse;
use crate::rehearse::Rehearsal;
use pawl_domain::{Cluster, Problem};
use pawl_ports::{Error, PAGE, Ports};

/// What would become of the targets of a cluster that Pawl does not index.
#[derive(Debug, Default)]
pub struct Survey {
    /// Of each ExternalSecret that stands there and can be used, what its first delivery would do; in ascending order of ids.
    pub targets: Vec<Rehearsal>,
    /// What Pawl could not use of the manifests there, or only in part.
    pub problems: Vec<Problem>,
}

impl<P: Ports> Rehearse<P> {
    pub(crate) async fn survey(&self, cluster: &Cluster) -> Result<Survey, Error> {
        let mut manifests = self.index.list(cluster).await?;
        refuse_duplicates(&mut manifests);
        self.deliver.base.withhold_values(&mut manifests.stores, &mut manifests.problems);
        let mut survey = Survey { problems: manifests.problems, ..Survey::default() };
        for page in manifests.declarations.chunks(PAGE) {
            survey.targets.extend(self.run(page.to_vec(), &manifests.stores).await?);
        }
        survey.targets.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(survey)
    }
}
