//! Takes in policies. A changed policy lets declarations read what they could not, or keeps them from what they
//! could.
//!
//! Before a policy is stored, each declaration whose rights it changes is marked as pending, with its rights under
//! the new policy, so that no delivery under the old one settles it. If the index is interrupted, either the old
//! policy still stands and the next index starts again, or the sweep finds the work.

use crate::index::apply::Apply;
use crate::index::pending::Because;
use crate::index::report::IndexReport;
use crate::parts::Index;
use futures::{FutureExt, StreamExt, stream};
use pawl_domain::{Declaration, DeclarationId, ObjectName, Rules, StorePolicy};
use pawl_ports::{Catalogue, Error, Ports, Put, Registry, Scope};
use std::collections::BTreeSet;
use std::sync::Arc;
use tracing::warn;

impl<P: Ports> Index<P> {
    /// Takes in the policies that are new or changed, from whoever may take in Clusters.
    pub(crate) async fn take_in_policies(
        &self,
        apply: Option<&Apply>,
        given: &[StorePolicy],
        report: &mut IndexReport,
        work: &mut BTreeSet<DeclarationId>,
    ) -> Result<(), Error> {
        if given.is_empty() {
            return Ok(());
        }
        let former = self.base.rules().await?;
        let changed: Vec<_> = given.iter().filter(|policy| !former.policies.contains(policy)).collect();
        let future = Arc::new(former.with(changed.iter().copied()));
        // What was found in a cluster is nobody's word.
        let allowed = apply.unwrap_or(&Apply::default()).policies(&former.policies, given);
        let announced = match allowed {
            Ok(()) if changed.is_empty() => Ok(()),
            Ok(()) => self.announce_rules(&former, &future, work).await,
            Err(error) => Err(error),
        };
        for policy in given {
            let put = match &announced {
                _ if !changed.contains(&policy) => Ok(Put::Unchanged),
                Ok(()) => self.base.ports.registry().put_policy(policy).await,
                Err(error) => Err(error.shared()),
            };
            report.objects.push((format!("StorePolicy {}", policy.name), put));
        }
        Ok(())
    }

    pub(crate) async fn remove_policies(
        &self,
        names: &[ObjectName],
    ) -> Result<Vec<(ObjectName, bool)>, Error> {
        let former = self.base.rules().await?;
        let future = Arc::new(names.iter().fold((*former).clone(), |rules, name| rules.without(name)));
        let mut work = BTreeSet::new();
        self.announce_rules(&former, &future, &mut work).await?;
        let mut removed = Vec::new();
        for name in names {
            removed.push((name.clone(), self.base.ports.registry().remove_policy(name).await?));
        }
        // What cannot be queued is marked, so that the sweep finds it.
        self.queue.queue_pending(work).await;
        Ok(removed)
    }

    /// Marks the declarations to which other rules make a difference as pending. Reads the whole registry, a page at a time.
    ///
    /// # Errors
    /// A declaration could not be marked; the rules must not change yet.
    async fn announce_rules(
        &self,
        former: &Arc<Rules>,
        future: &Arc<Rules>,
        work: &mut BTreeSet<DeclarationId>,
    ) -> Result<(), Error> {
        let mut pages = self.base.ports.registry().pages(Scope::All);
        while let Some(page) = pages.next().await? {
            let before = self.base.stores_under(former, &page).await?;
            let then = before.under(future);
            let concerned: Vec<&Declaration> =
                page.iter().filter(|each| before.terms(each) != then.terms(each)).collect();
            // Collected, for compilers take no closure over references for one that may be sent.
            let marking: Vec<_> =
                concerned.iter().map(|each| self.mark_pending(each, &then, Because::Store).boxed()).collect();
            let marked: Vec<_> =
                stream::iter(marking).buffered(self.base.settings.concurrency).collect().await;
            for (declaration, wanted) in concerned.into_iter().zip(marked) {
                match wanted {
                    Ok(true) => drop(work.insert(declaration.id.clone())),
                    Ok(false) => {}
                    Err(error) if error.is_retryable() => {
                        return Err(error.within(&format!("not changed yet, for {}: ", declaration.id)));
                    }
                    // One that can never be marked does not keep the rules from changing.
                    Err(error) => warn!("{} is not marked: {error}", declaration.id),
                }
            }
        }
        Ok(())
    }
}
