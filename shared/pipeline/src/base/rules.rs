//! The current rules of what stores may do.

use crate::parts::Base;
use pawl_domain::grant::OwnSecrets;
use pawl_domain::{Cluster, Home, Problem, Rule, Rules, Severity, Store};
use pawl_ports::{Error, Policies, Ports, Registry};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long it may take until the token of a new cluster is known for one of Pawl's own secrets. Clusters change seldom, and
/// every delivery would ask for all of them.
const KNOWN_FOR: Duration = Duration::from_secs(5);

impl<P: Ports> Base<P> {
    /// The rules at this moment: a policy that stands in the registry by now is among them.
    pub(crate) async fn rules(&self) -> Result<Arc<Rules>, Error> {
        let (policies, own) = futures::try_join!(self.ports.registry().policies(), self.own_secrets())?;
        let Policies { known, unreadable } = policies;
        let unreadable = unreadable.into_iter().collect();
        Ok(Arc::new(Rules { policies: known, unreadable, own, fake_stores: self.settings.fake_stores }))
    }

    /// The secrets that the configuration and the clusters name.
    async fn own_secrets(&self) -> Result<Arc<OwnSecrets>, Error> {
        let lock = || self.memory.own.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((since, own)) = &*lock()
            && since.elapsed() < KNOWN_FOR
        {
            return Ok(Arc::clone(own));
        }
        let asked = Instant::now();
        let clusters = self.ports.registry().clusters().await?;
        let tokens = clusters.iter().filter_map(Cluster::token_secret);
        let configured = self.settings.own_secrets.iter().map(String::as_str);
        let own = Arc::new(OwnSecrets::new(tokens.chain(configured)));
        *lock() = Some((asked, Arc::clone(&own)));
        Ok(own)
    }

    /// Takes the values out of fake stores, unless the operator wants them in the registry. The stores themselves are kept, so
    /// that whoever reads them is told why there is nothing to read.
    pub(crate) fn withhold_values(&self, stores: &mut [Store], problems: &mut Vec<Problem>) {
        if self.settings.fake_stores {
            return;
        }
        for store in stores {
            if !store.backend.withhold_values() {
                continue;
            }
            problems.push(Problem {
                // Whoever applied it hears of it; one that lives in a cluster says so itself.
                severity: if store.id.home == Home::Applied { Severity::Error } else { Severity::Warning },
                place: "spec.provider.fake".to_owned(),
                object: store.id.to_string(),
                field: String::new(),
                message: Rule::FakeStore.words().to_owned(),
            });
        }
    }
}
