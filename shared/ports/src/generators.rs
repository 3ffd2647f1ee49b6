//! The contract of the generators.

use crate::{Answer, Error};
use jiff::Timestamp;
use pawl_domain::{Access, GeneratorKind, SecretValue};
use std::collections::BTreeMap;

/// The generators: make values. Each call makes new ones, and nobody keeps them but who asked.
///
/// Behind a pointer it is the generators of some kinds, so that a new one is one more entry of a table.
pub trait Generators: Send + Sync {
    /// The kinds that it makes. Accesses to others are never handed to it.
    fn kinds(&self) -> Vec<GeneratorKind>;

    /// Makes values. `access` has the generator as its backend, and the cluster and namespace whose Secrets it may use.
    ///
    /// Bounded in time. Where the caller goes away meanwhile, something may have been made that nobody knows of: it expires
    /// by itself.
    ///
    /// # Errors
    /// Of step `Authenticate` when the identity cannot be proven, else of step `Fetch`; `Invalid` where nothing can be made
    /// as the manifest is. The message never holds a value.
    fn generate<'a>(&'a self, access: &'a Access) -> Answer<'a, Result<Generation, Error>>;
}

/// What a generator made.
#[derive(Clone, Debug, Default)]
pub struct Generation {
    /// The values, by the keys that ESO gives them.
    pub values: BTreeMap<String, SecretValue>,
    /// When they stop being good, where that is known.
    pub expires: Option<Timestamp>,
}
