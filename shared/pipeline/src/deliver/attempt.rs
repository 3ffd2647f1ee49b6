//! Looks at one target and writes it, and starts again from the look when somebody else wrote in between.

use crate::base::lanes::Lanes;
use crate::base::panicked::panicked;
use crate::base::stores::Stores;
use crate::deliver::catch::Catch;
use crate::deliver::delivery::{Attempted, Delivery, Finished};
use crate::deliver::fetch::Fetching;
use crate::deliver::plan::Plan;
use crate::deliver::recheck::{Overtaken, Rechecking};
use crate::deliver::templates::{Templates, Templating};
use crate::deliver::write::{Base, Progress};
use crate::parts::Deliver;
use futures::FutureExt;
use pawl_domain::record::State;
use pawl_domain::render;
use pawl_domain::{DeclarationId, Kind, Record, Step, StoreId};
use pawl_ports::{Clock, Clusters, Entry, Error, Ledger, Ports};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;

/// A plan, with what its write is conditional on.
pub(crate) struct Looked {
    pub(crate) plan: Plan,
    pub(crate) base: Result<Base, Error>,
}

impl<P: Ports> Deliver<P> {
    /// Looks at the target, unless the ledger knows it as it is. Work that was begun before may have written it and ended
    /// before that was recorded, so then the ledger is not believed.
    pub(crate) async fn look(&self, plan: Plan, delivery: &Delivery<'_>) -> Looked {
        let looking = AssertUnwindSafe(self.look_at(&plan, delivery)).catch_unwind().await;
        let base = looking.unwrap_or_else(|_| Err(panicked(Step::Read)));
        Looked { plan, base }
    }

    async fn look_at(&self, plan: &Plan, delivery: &Delivery<'_>) -> Result<Base, Error> {
        let declaration = &plan.declaration;
        self.base.check_kind(declaration)?;
        self.check_stores(plan, delivery).await?;
        if let Some(resource_version) = plan.known_version().filter(|_| !self.mode.is_careful) {
            return Ok(Base::Known { resource_version });
        }
        let _turn = delivery.clusters.enter(&declaration.id.cluster).await;
        self.read(declaration).await
    }

    /// Every store must be known, its conditions must let the declaration's namespace use it, and the operator must allow what is
    /// read of it. A failure names the first entry that reads the store. This comes before any store is asked for anything.
    async fn check_stores(&self, plan: &Plan, delivery: &Delivery<'_>) -> Result<(), Error> {
        let declaration = &plan.declaration;
        let mut checked = BTreeSet::new();
        for read in declaration.reads.iter().filter(|read| checked.insert(&read.store)) {
            let usable = self.check_store(&read.store, &declaration.id, delivery).await;
            usable.map_err(|error| {
                error.within(&format!("error processing {}, err: ", render::Entry::of(read)))
            })?;
        }
        let refused = plan.reads.iter().find_map(|read| read.as_ref().err());
        refused.map_or(Ok(()), |error| Err(error.shared()))
    }

    async fn check_store(
        &self,
        id: &StoreId,
        DeclarationId { cluster, namespace, .. }: &DeclarationId,
        delivery: &Delivery<'_>,
    ) -> Result<(), Error> {
        let store = delivery.stores.require(id)?;
        self.base.check_validation(store)?;
        let labels = if store.needs_namespace_labels() {
            let _turn = delivery.clusters.enter(cluster).await;
            let call = self.base.ports.clusters().namespace_labels(cluster, namespace);
            self.base.at_cluster(cluster, Step::Lookup, call).await?
        } else {
            BTreeMap::new()
        };
        self.base.check_conditions(store, namespace, &labels)
    }

    /// Waits for what the declaration reads, writes its target and records that. A panic is this declaration's failure
    /// alone.
    pub(crate) async fn finish(
        &self,
        looked: Looked,
        fetching: &Fetching<'_>,
        templating: &Templating<'_>,
        rechecking: &Rechecking<'_>,
        delivery: &Delivery<'_>,
    ) -> Finished {
        let Looked { mut plan, base } = looked;
        let attempted = match base {
            Ok(base) => {
                let (catch, templates, overtaken) = futures::join!(
                    fetching.of(&plan),
                    templating.of(&plan),
                    self.overtaken(&plan, &base, rechecking, delivery.stores),
                );
                let _turn = delivery.clusters.enter(&plan.declaration.id.cluster).await;
                let attempt = async {
                    match overtaken {
                        Ok(None) => self.attempt(&mut plan, base, &catch, &templates, delivery).await,
                        Ok(Some(overtaken)) => Err(overtaken),
                        Err(error) => Ok(Attempted::failed(error)),
                    }
                };
                let attempted = AssertUnwindSafe(attempt).catch_unwind().await;
                // What the panic says may hold a value.
                attempted.unwrap_or_else(|_| Ok(Attempted::failed(panicked(Step::Render))))
            }
            Err(error) => Ok(Attempted::failed(error)),
        };
        match attempted {
            Ok(attempted) => self.record(plan, attempted, delivery).await,
            Err(overtaken) => {
                let is_left = overtaken == Overtaken::Edited;
                Finished { id: plan.declaration.id, result: None, behind: false, status: None, is_left }
            }
        }
    }

    async fn attempt(
        &self,
        plan: &mut Plan,
        base: Base,
        catch: &Catch,
        templates: &Templates,
        delivery: &Delivery<'_>,
    ) -> Result<Attempted, Overtaken> {
        let mut attempted = self.attempt_once(plan, base, catch, templates).await;
        for round in 1..=self.base.settings.conflict_attempts {
            if !attempted.result.as_ref().is_err_and(|error| error.kind == Kind::Conflict) {
                break;
            }
            tokio::time::sleep(self.base.pause(round)).await;
            let created = attempted.created;
            attempted = match self.look_again(plan, delivery.stores).await {
                Ok(Err(overtaken)) => {
                    if created {
                        self.disown(&plan.declaration).await;
                    }
                    return Err(overtaken);
                }
                Ok(Ok(base)) => {
                    let fetching = self.fetching(&[plan], &delivery.locations);
                    // Its own lane, for this declaration has its turn in the cluster's already.
                    let lanes = Lanes::new(1);
                    let templating = self.templating(&[plan], &lanes);
                    let (catch, templates) = futures::join!(fetching.of(plan), templating.of(plan));
                    self.attempt_once(plan, base, &catch, &templates).await
                }
                Err(error) => Attempted::failed(error),
            };
            attempted.created |= created;
        }
        Ok(attempted)
    }

    async fn attempt_once(
        &self,
        plan: &mut Plan,
        base: Base,
        catch: &Catch,
        templates: &Templates,
    ) -> Attempted {
        let behind = catch.behind(plan);
        if behind.iter().any(|change| plan.is_new(change, self.base.ports.clock().now())) {
            // A store that lags may have lost more than this version. The next time its answer holds.
            let message = "the store does not show the changed version yet; it is asked again soon";
            let result = Err(Error::new(Step::Fetch, Kind::Stale, message));
            return Attempted { behind, waits: true, ..Attempted::of(result) };
        }
        let mut ingredients = self.ingredients(plan, catch, templates);
        let mut created = false;
        let result = async {
            match self.write(plan, base, &mut ingredients).await? {
                Progress::Done(written) => Ok(written),
                Progress::Creates(creation) => {
                    self.claim(plan).await?;
                    let written = self.create(&plan.declaration, *creation).await?;
                    created = true;
                    self.check_claim(plan).await?;
                    Ok(written)
                }
            }
        }
        .await;
        let values = ingredients.map(|ingredients| ingredients.values).unwrap_or_default();
        Attempted { values, behind, created, ..Attempted::of(result) }
    }

    /// Notes that a target is about to be created, where the ledger still is as it was before the target was looked at.
    ///
    /// A creation has no condition in the cluster but that the target is absent, and it is absent once more when
    /// somebody has created it in a newer version and somebody else deleted it. So whoever fetched values creates on
    /// the condition that nobody began to since, whether or not that one could record how it went. Whoever begins after that
    /// has newer values, and [`Self::check_claim`] sees to it that they stay.
    ///
    /// # Errors
    /// Kind `Conflict` when anything was recorded since the look; what the ledger answered when it could not be written.
    /// Nothing may be created then.
    async fn claim(&self, plan: &mut Plan) -> Result<(), Error> {
        let now = self.base.ports.clock().now();
        let expected = plan.entry.as_ref().map(|entry| entry.revision);
        let record = match plan.record().cloned() {
            // How often it has failed still counts, if this fails as well.
            Some(failed) if matches!(failed.state, State::Failed(_)) => failed,
            Some(last) => last.reopened(now),
            None => Record::pending(&plan.declaration, now),
        };
        let id = plan.declaration.id.clone();
        let Some(revision) = self.base.ports.ledger().put_unless_changed(&id, &record, expected).await?
        else {
            let message =
                "somebody else recorded a delivery since the target was looked at; it is looked at again";
            return Err(Error::new(Step::Write, Kind::Conflict, message));
        };
        plan.entry = Some(Entry { id, record, revision });
        Ok(())
    }

    /// A request to create may reach the cluster late: when somebody with newer values has created the target since the
    /// claim, and somebody else deleted it. Then the target is brought up to date at once.
    ///
    /// # Errors
    /// Kind `Conflict` when anything was recorded since the claim; what the ledger answered when it could not be asked.
    async fn check_claim(&self, plan: &Plan) -> Result<(), Error> {
        let now = self.base.ports.ledger().entry(&plan.declaration.id).await?.map(|entry| entry.revision);
        if now == plan.entry.as_ref().map(|entry| entry.revision) {
            return Ok(());
        }
        let message = "somebody else recorded a delivery while the target was created; it is looked at again";
        Err(Error::new(Step::Record, Kind::Conflict, message))
    }

    /// Looks at the target again, by what the ledger knew before. Whoever wrote it may have done so for what is declared by
    /// now.
    async fn look_again(&self, plan: &mut Plan, stores: &Stores) -> Result<Result<Base, Overtaken>, Error> {
        let (ledger, id) = (self.base.ports.ledger(), plan.declaration.id.clone());
        let entry = ledger.entry(&id).await?;
        plan.renew(entry, self.base.ports.clock().now(), stores);
        let base = self.read(&plan.declaration).await?;
        let since = ledger.entry(&id).await?;
        Ok(self.outdated(plan, since.as_ref(), stores).await?.map_or(Ok(base), Err))
    }
}
