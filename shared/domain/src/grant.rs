//! What an operator lets a store do, as the adapters of stores need to know it: where it may connect to, and which keys a
//! search may read. Who is granted what, [`policy`](crate::policy) decides.

mod address;
mod glob;
mod host;
mod own;

pub use address::{InvalidNetwork, Network, Reach};
pub(crate) use glob::is_match;
pub use glob::{Glob, InvalidGlob};
pub use host::{HostPattern, InvalidHost, Origin};
pub use own::OwnSecrets;

use crate::provider::Provider;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What an identity may do beyond reading with its own credentials. Part of [`Access`](crate::Access), so that what was
/// granted to one is never used for another.
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Grant {
    /// Where connections may go.
    pub reach: Reach,
    /// Whether a policy lets Pawl's own identity be shown to the store's server, as a Vault's `iam` login does.
    pub shows_identity: bool,
}

/// The keys that a search may read. Adapters ask it for each name that was listed, before they read the value.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Keep {
    provider: Provider,
    /// Patterns of names; `None` where the credentials alone decide.
    keys: Option<BTreeSet<Glob>>,
    own: Arc<OwnSecrets>,
}

impl Keep {
    /// Keys of this provider that match a pattern, but for Pawl's own secrets.
    pub fn new(provider: Provider, keys: Option<BTreeSet<Glob>>, own: Arc<OwnSecrets>) -> Self {
        Self { provider, keys, own }
    }

    /// Every key of this provider.
    pub fn everything(provider: Provider) -> Self {
        Self::new(provider, None, Arc::default())
    }

    /// Whether a key may be read. `name` is what the store calls it.
    pub fn allows(&self, name: &str) -> bool {
        self.keys.as_ref().is_none_or(|keys| keys.iter().any(|each| each.matches(name)))
            && !self.own.holds(self.provider, name)
    }

    /// The patterns, where not the credentials alone decide.
    pub fn keys(&self) -> Option<&BTreeSet<Glob>> {
        self.keys.as_ref()
    }

    /// Whether some keys may not be read, so that an answer that lists values together with names must not be asked for.
    pub fn is_limited(&self) -> bool {
        self.keys.is_some()
    }
}
