//! The registry of generators: who makes what.

use pawl_domain::{Access, GeneratorKind, Kind, Step};
use pawl_ports::{Answer, Error, Generation, Generators};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The generators of all kinds as one.
#[derive(Clone)]
pub struct Makers(BTreeMap<GeneratorKind, Arc<dyn Generators>>);

impl Makers {
    /// What a generator makes is made by the one that names its kind.
    pub fn of(makers: impl IntoIterator<Item = Arc<dyn Generators>>) -> Self {
        let named = |maker: Arc<dyn Generators>| {
            maker.kinds().into_iter().map(move |kind| (kind, Arc::clone(&maker)))
        };
        Self(makers.into_iter().flat_map(named).collect())
    }
}

impl fmt::Debug for Makers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Generators for Makers {
    fn kinds(&self) -> Vec<GeneratorKind> {
        self.0.keys().copied().collect()
    }

    fn generate<'a>(&'a self, access: &'a Access) -> Answer<'a, Result<Generation, Error>> {
        let kind = access.backend.as_generator().map(pawl_domain::Generator::kind);
        match kind.and_then(|kind| self.0.get(&kind)) {
            Some(maker) => maker.generate(access),
            None => Box::pin(async move {
                let kind = kind.map_or("this", GeneratorKind::as_str);
                let message = format!("this build of Pawl has no {kind} generator; use one that has");
                Err(Error::new(Step::Fetch, Kind::Invalid, message))
            }),
        }
    }
}
