//! Checks again what is declared, after the look at the target.
//!
//! A delivery reads its declaration before it looks at the target. In between somebody may edit the declaration and
//! have it written. The old declaration must not overwrite that, although its write would find the target unchanged
//! since the look. Edits of declarations and stores are written to the ledger before they enter the registry, so the
//! ledger tells whether this may have happened; only then the registry is asked.

use crate::base::stores::Stores;
use crate::deliver::plan::Plan;
use crate::deliver::write::Base;
use crate::parts::Deliver;
use futures::future::{BoxFuture, FutureExt, Shared};
use pawl_domain::{DeclarationId, Record};
use pawl_ports::{Entry, Error, Ledger, Ports, Registry};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Why a plan must not be carried out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Overtaken {
    /// Something else is declared by now.
    Edited,
    /// It is being removed.
    Removed,
}

/// What the ledger knows, since their targets were looked at, of the declarations whose targets were read.
#[derive(Clone)]
pub(crate) struct Rechecking<'a>(Shared<BoxFuture<'a, Arc<Result<Entries, Error>>>>);

type Entries = BTreeMap<DeclarationId, Entry>;

impl<P: Ports> Deliver<P> {
    /// Asks the ledger again about these, once for all of them, when the first needs it.
    pub(crate) fn rechecking(&self, ids: Vec<DeclarationId>) -> Rechecking<'_> {
        let asking = async move {
            let entries = self.base.ports.ledger().entries(&ids).await;
            let by_id = |entries: Vec<Entry>| entries.into_iter().map(|entry| (entry.id.clone(), entry));
            Arc::new(entries.map(|entries| by_id(entries).collect()))
        };
        Rechecking(asking.boxed().shared())
    }

    /// Whether somebody has overtaken a plan whose target was looked at.
    ///
    /// # Errors
    /// Ledger or registry could not be asked; nothing may be written then.
    pub(crate) async fn overtaken(
        &self,
        plan: &Plan,
        base: &Base,
        rechecking: &Rechecking<'_>,
        stores: &Stores,
    ) -> Result<Option<Overtaken>, Error> {
        // What the ledger knew is the look itself.
        if matches!(base, Base::Known { .. }) {
            return self.outdated(plan, plan.entry.as_ref(), stores).await;
        }
        match rechecking.0.clone().await.as_ref() {
            Ok(entries) => self.outdated(plan, entries.get(&plan.declaration.id), stores).await,
            Err(error) => Err(error.shared()),
        }
    }

    /// The same, by what the ledger knew at or after the look.
    pub(crate) async fn outdated(
        &self,
        plan: &Plan,
        since: Option<&Entry>,
        stores: &Stores,
    ) -> Result<Option<Overtaken>, Error> {
        if since.is_some_and(|entry| entry.record.owed.removed.is_some()) {
            return Ok(Some(Overtaken::Removed));
        }
        let revision = |entry: Option<&Entry>| entry.map(|entry| entry.revision);
        let same = revision(since) == revision(plan.entry.as_ref());
        if same && plan.record().is_none_or(|record| self.is_of(record, plan, stores)) {
            return Ok(None);
        }
        let ids = std::slice::from_ref(&plan.declaration.id);
        let Some(declared) = self.base.ports.registry().declarations(ids).await?.pop() else {
            return Ok(Some(Overtaken::Edited));
        };
        let now = self.base.stores_of(std::slice::from_ref(&declared)).await?;
        let edited = self.base.basis(&declared, &now) != self.base.basis(&plan.declaration, stores);
        Ok(edited.then_some(Overtaken::Edited))
    }

    /// Whether a record knows of nothing else that is declared.
    fn is_of(&self, record: &Record, plan: &Plan, stores: &Stores) -> bool {
        match &record.owed.declared {
            Some(declared) => declared.digest == self.base.basis(&plan.declaration, stores),
            None => record.declaration == plan.digest,
        }
    }
}
