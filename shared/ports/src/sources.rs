//! The contract of the stores.

use crate::{Error, Listing, StoreSighting, Wanted};
use jiff::Timestamp;
use pawl_domain::{Access, Fetched, Find, Keep, Kind, Provider, Step, Version};
use std::collections::BTreeMap;
use std::future::Future;
use tokio::sync::mpsc::Sender;

/// The stores: turns keys into values.
///
/// Calls are batched and retried as the provider wants, within a bounded time. What such a store cannot
/// ([`Backend::capabilities`](pawl_domain::store::Backend::capabilities)) is not asked of it.
pub trait Sources: Send + Sync {
    /// The providers whose stores it reads. Accesses to others are never handed to it.
    fn providers(&self) -> Vec<Provider>;

    /// The values of these keys, one answer for each, in order.
    ///
    /// # Errors
    /// Each answer on its own. Kind `NotFound` MUST mean that the store says this key, label or version does not
    /// exist; `Denied` that the identity may not read it; a failure to prove the identity is of step `Authenticate`.
    fn fetch(
        &self,
        access: &Access,
        wanted: &[Wanted],
    ) -> impl Future<Output = Vec<Result<Fetched, Error>>> + Send;

    /// Every key that the criteria match and `keep` allows, by the name that ESO gives it, each with its value in force.
    /// Keys that come or go meanwhile, and keys that may not be read where ESO passes over them, are left out. The value of
    /// a key that `keep` does not allow is not asked for.
    ///
    /// # Errors
    /// Kind `Denied` when the identity may not search; `Invalid` when the criteria cannot be served, with what to
    /// write instead.
    fn find(
        &self,
        access: &Access,
        find: &Find,
        keep: &Keep,
    ) -> impl Future<Output = Result<BTreeMap<String, Fetched>, Error>> + Send;

    /// Every key that changed or came at `since` or later; all keys when `since` is `None`. Reads no value. Keys that
    /// did not change MAY be among them. MUST NOT miss a key because of the order of a listing. A key that was deleted
    /// is listed without a version or not at all; only a listing that is [`Listing::complete`] tells the latter.
    ///
    /// # Errors
    /// Kind `Denied` when the identity may not list; ask [`Sources::versions`] for the known keys then. Kind `Invalid` when
    /// its changes are [`Changes::Untold`](pawl_domain::provider::Changes::Untold): nobody is asked. So it is unless an
    /// adapter says otherwise.
    fn changed_since(
        &self,
        access: &Access,
        since: Option<Timestamp>,
    ) -> impl Future<Output = Result<Listing, Error>> + Send {
        let _ = since;
        let location = access.backend.location();
        let message =
            format!("{location}: it does not tell what changed; ask for the versions of known keys");
        async { Err(Error::new(Step::Fetch, Kind::Invalid, message)) }
    }

    /// Whose keys this identity reads by name, in the words of the store's events, such as the account of AWS; `None` where
    /// nobody says. Where the manifest does not tell, the store itself is asked, once for each proof of an identity, within
    /// two seconds.
    fn account(&self, access: &Access) -> impl Future<Output = Option<String>> + Send {
        let account = access.backend.location().account;
        async { account }
    }

    /// Proves the identity, as ESO's providers do to validate a store: credentials are read and traded, no key is read.
    ///
    /// # Errors
    /// Of step `Authenticate`, when the identity cannot be proven.
    fn validate(&self, access: &Access) -> impl Future<Output = Result<(), Error>> + Send;

    /// The versions of these keys, one answer for each, in order. Reads no value. Errors as for [`Sources::fetch`].
    fn versions(
        &self,
        access: &Access,
        wanted: &[Wanted],
    ) -> impl Future<Output = Vec<Result<Version, Error>>> + Send;

    /// The providers among them whose stores can be watched. None, unless an adapter says otherwise.
    fn watched(&self) -> Vec<Provider> {
        Vec::new()
    }

    /// Watches a store for a process that lives long: tells each key that changes, as it happens and behind `from`, until the
    /// watch ends or the receiver is gone. `from` is where it goes on the next time: the caller keeps it, `None` at first, and
    /// it is `None` again where the store does not know that place any more. Begins with [`StoreSighting::Begun`]. Reads no value. Sweeps find the same by the clock, so nothing may rely on what it tells.
    ///
    /// Lasts some minutes at most, also where the store is silent; the caller begins the next one, after a pause where this
    /// one was short or failed. What was told twice is harmless.
    ///
    /// # Errors
    /// Kind `Denied` when the identity may not watch: the sweep is all that it has. Kind `Invalid` where
    /// [`Sources::watched`] does not name the provider: nobody is asked.
    fn watch(
        &self,
        access: &Access,
        from: &mut Option<String>,
        told: &Sender<StoreSighting>,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        let _ = (from, told);
        let message =
            format!("{}: it cannot be watched; the sweep finds its changes", access.backend.location());
        async { Err(Error::new(Step::Fetch, Kind::Invalid, message)) }
    }

    /// Gives up what stores keep for this process, such as the tokens of logins, each within the time of one call. For
    /// processes that end; nothing is lost without it.
    fn close(&self) -> impl Future<Output = ()> + Send {
        async {}
    }
}
