//! Whether a store may be used, by what it says itself.

use crate::parts::Base;
use pawl_domain::{Kind, Namespace, Step, Store};
use pawl_ports::{Error, Ports};
use std::collections::BTreeMap;

impl<P: Ports> Base<P> {
    /// A store whose manifest says that it cannot be used is not.
    pub(crate) fn check_validation(&self, store: &Store) -> Result<(), Error> {
        if !store.is_refused_by_manifest() {
            return Ok(());
        }
        // ESO's words.
        let message = format!(
            "{} \"{}\" is not ready: its validationResult says so; take that away to use it",
            store.id.kind(),
            store.id.name
        );
        Err(Error::new(Step::Lookup, Kind::Invalid, message))
    }

    /// Its conditions must admit the namespace, whose labels these are.
    pub(crate) fn check_conditions(
        &self,
        store: &Store,
        namespace: &Namespace,
        labels: &BTreeMap<String, String>,
    ) -> Result<(), Error> {
        let id = &store.id;
        let allowed = store
            .allows(namespace, labels)
            .map_err(|error| Error::new(Step::Lookup, Kind::Invalid, format!("{id}: {error}")))?;
        if allowed {
            return Ok(());
        }
        let message = format!(
            "using cluster store \"{}\" is not allowed from namespace \"{namespace}\": denied by spec.conditions; add the \
             namespace there or use another store",
            id.name
        );
        Err(Error::new(Step::Lookup, Kind::Denied, message))
    }
}
