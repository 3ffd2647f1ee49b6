//! What was fetched.

use crate::keys::wanted;
use crate::plan::Plan;
use crate::stores::Stores;
use pawl_domain::{Access, Change, Fetched, Find, Keep, Permit, Query};
use pawl_ports::{Error, Wanted};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What became of one key.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) result: Result<Arc<Fetched>, Error>,
    /// The change whose version the store does not show yet.
    pub(crate) behind: Option<Arc<Change>>,
}

/// What a search found, by name.
pub(crate) type Finds = BTreeMap<String, Arc<Fetched>>;

/// What became of one search.
#[derive(Debug)]
pub(crate) struct Searched {
    pub(crate) result: Result<Finds, Error>,
    /// The change whose version the store does not show yet.
    pub(crate) behind: Option<Arc<Change>>,
}

/// A search: who makes it, what for, and which of the keys it may read.
pub(crate) type Asked = (Access, Find, Keep);

/// The keys that one identity was asked for.
pub(crate) type Keys = BTreeMap<Wanted, Answer>;

/// What one plan reads.
#[derive(Debug, Default)]
pub(crate) struct Catch {
    pub(crate) keys: BTreeMap<Access, Arc<Keys>>,
    pub(crate) searches: BTreeMap<Asked, Arc<Searched>>,
}

impl Catch {
    /// What a key's read gave.
    pub(crate) fn key(&self, access: &Access, wanted: &Wanted) -> Option<&Answer> {
        self.keys.get(access)?.get(wanted)
    }

    /// What a search gave.
    pub(crate) fn searched(&self, permit: Permit, find: &Find) -> Option<&Searched> {
        self.searches.get(&(permit.access, find.clone(), permit.keep)).map(AsRef::as_ref)
    }

    /// The changes of this plan whose versions the stores do not show yet.
    pub(crate) fn behind(&self, plan: &Plan, stores: &Stores) -> Vec<Arc<Change>> {
        let mut behind: Vec<Arc<Change>> = Vec::new();
        for read in &plan.declaration.reads {
            let Some(store) = stores.get(&read.store) else { continue };
            let Ok(permit) = stores.permit(read, &plan.declaration.id) else { continue };
            let change = match &read.query {
                Query::Key(remote) => {
                    self.key(&permit.access, &wanted(remote, store)).and_then(|it| it.behind.as_ref())
                }
                Query::Find(find) => self.searched(permit, find).and_then(|it| it.behind.as_ref()),
            };
            behind.extend(change.filter(|change| !behind.contains(change)).cloned());
        }
        behind
    }
}
