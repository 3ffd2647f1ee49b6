//! Compares accounts: an event of another account, about a key of the same name, must not match.

use crate::base::stores::Stores;
use crate::parts::Sync;
use futures::{StreamExt, stream};
use pawl_domain::affected::concerned_reads;
use pawl_domain::{Access, Change, Declaration};
use pawl_ports::{Ports, Sources};
use std::collections::{BTreeMap, BTreeSet};

/// How many identities are asked for their account at the same time.
const AT_ONCE: usize = 16;

impl<P: Ports> Sync<P> {
    /// Those of these declarations, which the change concerns as far as their stores' manifests tell, that read the account
    /// of the change.
    ///
    /// A manifest without a role names no account, so the store is asked, once for each proof of an identity. A store that
    /// cannot say agrees with every account: then the store's answer decides, as for any change.
    pub(crate) async fn of_its_account(
        &self,
        declarations: Vec<Declaration>,
        stores: &Stores,
        change: &Change,
    ) -> Vec<Declaration> {
        let Some(account) = &change.location.account else { return declarations };
        let unknown: BTreeSet<Access> =
            declarations.iter().flat_map(|each| unsaid(each, stores, change)).flatten().collect();
        if unknown.is_empty() {
            return declarations;
        }
        let learnt: BTreeMap<Access, Option<String>> = stream::iter(unknown)
            .map(|access| async move {
                let account = self.base.ports.sources().account(&access).await;
                (access, account)
            })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let agrees = |access: &Option<Access>| {
            let known = access.as_ref().and_then(|access| learnt.get(access)?.as_ref());
            known.is_none_or(|known| known == account)
        };
        let concerned = |each: &Declaration| unsaid(each, stores, change).iter().any(agrees);
        declarations.into_iter().filter(concerned).collect()
    }
}

/// For each read that the change concerns, the identity whose account nobody has said; `None` where it is said, and agrees.
fn unsaid(declaration: &Declaration, stores: &Stores, change: &Change) -> Vec<Option<Access>> {
    let reads = concerned_reads(change, declaration, |id| stores.get(id));
    let identity = |position: usize| {
        let read = &declaration.reads[position];
        let store = stores.get(&read.store)?;
        let said = match read.remote() {
            Some(remote) => store.location().of_key(&store.remote_key(&remote.key)).account,
            None => store.location().account,
        };
        // One that may not be used is not asked: the delivery says so.
        if said.is_some() { None } else { stores.access(read, &declaration.id) }
    };
    reads.into_iter().map(identity).collect()
}
