//! The stores that declarations read, and what they may do.

use crate::parts::Base;
use pawl_domain::{Access, Declaration, DeclarationId, Kind, Permit, Read, Rules, Step, Store, StoreId};
use pawl_ports::{Error, Ports, Registry};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Stores by id, as far as they are known, and the rules of what they may do.
#[derive(Debug, Default)]
pub(crate) struct Stores {
    by_id: BTreeMap<StoreId, Store>,
    rules: Arc<Rules>,
}

impl Stores {
    fn new(stores: Vec<Store>, rules: &Arc<Rules>) -> Self {
        let by_id = stores.into_iter().map(|store| (store.id.clone(), store)).collect();
        Self { by_id, rules: Arc::clone(rules) }
    }

    /// These under other rules.
    pub(crate) fn under(&self, rules: &Arc<Rules>) -> Self {
        Self { by_id: self.by_id.clone(), rules: Arc::clone(rules) }
    }

    /// How a declaration may make this read.
    ///
    /// # Errors
    /// The store is not known, or the operator does not allow it.
    pub(crate) fn permit(&self, read: &Read, id: &DeclarationId) -> Result<Permit, Error> {
        let store = self.require(&read.store)?;
        let permit = self.rules.permit(store, &read.query, &id.cluster, &id.namespace);
        permit.map_err(|refusal| Error::refused(&refusal).within(&format!("{}: ", read.path)))
    }

    /// The identity with which a declaration makes this read, if it may.
    pub(crate) fn access(&self, read: &Read, id: &DeclarationId) -> Option<Access> {
        let store = self.get(&read.store)?;
        Some(self.rules.permit(store, &read.query, &id.cluster, &id.namespace).ok()?.access)
    }

    /// What is granted or refused to each read of a declaration where policies have a say.
    pub(crate) fn terms(&self, declaration: &Declaration) -> Vec<String> {
        let DeclarationId { cluster, namespace, .. } = &declaration.id;
        let of_read = |(position, read): (usize, &Read)| {
            let store = self.get(&read.store)?;
            let terms = match self.rules.permit(store, &read.query, cluster, namespace) {
                Ok(permit) => permit.terms(),
                Err(refusal) => refusal.to_string(),
            };
            (!terms.is_empty()).then(|| format!("{position} {terms}"))
        };
        declaration.reads.iter().enumerate().filter_map(of_read).collect()
    }

    /// These, with others in place of those of the same id.
    pub(crate) fn with<'a>(mut self, stores: impl IntoIterator<Item = &'a Store>) -> Self {
        self.by_id.extend(stores.into_iter().map(|store| (store.id.clone(), store.clone())));
        self
    }

    /// These but for one.
    pub(crate) fn without(mut self, id: &StoreId) -> Self {
        self.by_id.remove(id);
        self
    }

    pub(crate) fn get(&self, id: &StoreId) -> Option<&Store> {
        self.by_id.get(id)
    }

    /// The store, or the error that a declaration gets which reads it.
    pub(crate) fn require(&self, id: &StoreId) -> Result<&Store, Error> {
        self.get(id).ok_or_else(|| {
            let (kind, group, name) = (id.kind(), id.group(), &id.name);
            let message = match id.generator {
                Some(_) => format!(
                    "unable to get generator: {kind}.{group} \"{name}\" not found; apply it, or correct generatorRef"
                ),
                None => format!(
                    "could not get {kind} \"{name}\", {kind}.{group} \"{name}\" not found; apply it, or correct \
                     secretStoreRef"
                ),
            };
            Error::new(Step::Lookup, Kind::Invalid, message)
        })
    }
}

impl<P: Ports> Base<P> {
    /// The stores that these declarations read, by id, and what they may do at this moment.
    pub(crate) async fn stores_of(&self, declarations: &[Declaration]) -> Result<Stores, Error> {
        let ids: BTreeSet<StoreId> = declarations.iter().flat_map(Declaration::stores).collect();
        let (stores, rules) = futures::try_join!(self.ports.registry().stores(&ids), self.rules())?;
        Ok(Stores::new(stores, &rules))
    }

    /// The same under rules that are known already.
    pub(crate) async fn stores_under(
        &self,
        rules: &Arc<Rules>,
        declarations: &[Declaration],
    ) -> Result<Stores, Error> {
        let ids: BTreeSet<StoreId> = declarations.iter().flat_map(Declaration::stores).collect();
        Ok(Stores::new(self.ports.registry().stores(&ids).await?, rules))
    }

    /// A keyed digest over a declaration, its stores and what they may do: what a target is made of, values left out.
    pub(crate) fn basis(&self, declaration: &Declaration, stores: &Stores) -> String {
        let mut parts = self.digest_key.parts().with(declaration.digest());
        for id in declaration.stores() {
            // Serialising plain data with text keys cannot fail.
            parts = parts.with(serde_json::to_vec(&stores.get(&id)).unwrap_or_default());
        }
        for terms in stores.terms(declaration) {
            parts = parts.with(terms);
        }
        parts.digest()
    }
}
