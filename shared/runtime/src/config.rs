//! Configuration: read through a lookup that can be passed in, one small file per concern, one sentence per mistake.

mod audit;
mod clusters;
mod event_grid;
mod flow;
mod folders;
mod pubsub;
mod receipts;
mod state;
mod stores;

pub use audit::Audit;
pub use clusters::{Clusters, cluster_credentials};
pub use event_grid::EventGrid;
pub use flow::{fake_stores, flow};
pub use folders::folders;
pub(crate) use pubsub::NAME as SUBSCRIPTION_NAME;
pub use pubsub::{PubSub, Pull};
pub use receipts::Receipts;
pub use state::{LedgerKey, State};
pub use stores::{plain_http_servers, session_tags, vault};

use crate::vendors::Admission;
use pawl_domain::SecretValue;
use std::time::Duration;

/// Answers what a variable is set to. The process environment in production, a map in tests.
pub trait Lookup: Send + Sync {
    /// The variable's value, if it is set and not empty.
    fn get(&self, name: &str) -> Option<String>;
}

impl<F: Fn(&str) -> Option<String> + Send + Sync> Lookup for F {
    fn get(&self, name: &str) -> Option<String> {
        self(name).filter(|value| !value.is_empty())
    }
}

/// The process environment. The only place that reads it.
#[expect(clippy::disallowed_methods, reason = "this is the lookup that everything else is given")]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A variable is missing or not usable. The message never holds its value where that may be secret.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Error {
    /// It is not set.
    #[error("{name} is not set: {purpose}")]
    Missing {
        /// The variable.
        name: &'static str,
        /// What it is for.
        purpose: &'static str,
    },
    /// It cannot be read.
    #[error("{name} is not valid: {rule}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// What it must look like.
        rule: String,
    },
}

/// The AWS role that Pawl's own secrets are read with: the ledger's key, tokens of clusters, the token of audit senders.
/// Without one the identity that Pawl runs with reads them.
pub const OWN_SECRETS_ROLE: &str = "PAWL_OWN_SECRETS_ROLE";

/// The fewest bytes of a key or token: shorter ones can be guessed.
pub const SHORTEST_KEY: usize = 32;

/// A secret variable, where it is set.
fn secret(lookup: &dyn Lookup, name: &'static str) -> Option<SecretValue> {
    lookup.get(name).map(|text| SecretValue::new(text.into_bytes()))
}

/// A secret that others must not guess, where it is set.
fn key(lookup: &dyn Lookup, name: &'static str) -> Result<Option<SecretValue>, Error> {
    match secret(lookup, name) {
        Some(key) if key.len() < SHORTEST_KEY => {
            let rule =
                format!("it must have {SHORTEST_KEY} bytes or more; make one with: openssl rand -hex 32");
            Err(Error::Invalid { name, rule })
        }
        key => Ok(key),
    }
}

/// The secrets of vendors' webhooks, 32 bytes or more each; without one none of that vendor's are taken.
///
/// # Errors
/// When one is too short.
pub fn vendors(lookup: &dyn Lookup) -> Result<Admission, Error> {
    Ok(Admission { doppler: key(lookup, "PAWL_DOPPLER_WEBHOOK_SECRET")? })
}

/// `PAWL_CONSOLE_TOKEN`: what opens the console of a server, 32 bytes or more; without it there is none.
///
/// # Errors
/// When it is too short.
pub fn console(lookup: &dyn Lookup) -> Result<Option<SecretValue>, Error> {
    key(lookup, "PAWL_CONSOLE_TOKEN")
}

/// A number, or its default.
fn number<N: std::str::FromStr>(lookup: &dyn Lookup, name: &'static str, default: N) -> Result<N, Error> {
    match lookup.get(name) {
        None => Ok(default),
        Some(text) => {
            text.parse().map_err(|_| Error::Invalid { name, rule: "write a whole number".to_owned() })
        }
    }
}

/// `true` or `false`, or `1` or `0`; off where it is not set.
fn switch(lookup: &dyn Lookup, name: &'static str) -> Result<bool, Error> {
    match lookup.get(name).as_deref() {
        None | Some("false" | "0") => Ok(false),
        Some("true" | "1") => Ok(true),
        Some(_) => Err(Error::Invalid { name, rule: "write true or false".to_owned() }),
    }
}

/// A duration as Go writes it (`90s`, `1h30m`), or its default.
fn duration(lookup: &dyn Lookup, name: &'static str, default: Duration) -> Result<Duration, Error> {
    let Some(text) = lookup.get(name) else { return Ok(default) };
    let parsed = pawl_golang::duration::parse(&text).and_then(pawl_golang::duration::Duration::to_std);
    parsed.map_err(|_| Error::Invalid { name, rule: "write a duration such as 90s or 1h30m".to_owned() })
}
