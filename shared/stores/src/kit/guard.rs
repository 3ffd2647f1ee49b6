//! Resolves names to addresses that the store may reach. The code that dials uses the addresses checked here, so a name that
//! changes its meaning afterwards gains nothing.
//!
//! Where a proxy is set (`HTTPS_PROXY` and its kin) it resolves the names of servers, and its own rules decide.

use super::cause::find;
use pawl_domain::grant::Reach;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::SocketAddr;

/// A resolver that knows only addresses within reach.
#[derive(Clone, Debug)]
pub(super) struct Guard(Reach);

impl Guard {
    /// `None` where every address may be reached, so that names are resolved as usual.
    pub(super) fn new(reach: &Reach) -> Option<Self> {
        (*reach != Reach::Anywhere).then(|| Self(reach.clone()))
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let within: Vec<SocketAddr> =
                found.iter().copied().filter(|address| reach.admits(address.ip())).collect();
            if within.is_empty() && !found.is_empty() {
                return Err(OutOfReach.into());
            }
            Ok(Box::new(within.into_iter()) as Addrs)
        })
    }
}

/// A name leads only to addresses that may not be reached.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to addresses that may not be reached")]
struct OutOfReach;

/// Whether a request failed because its address may not be reached.
pub(super) fn is_refused(failure: &reqwest::Error) -> bool {
    find::<OutOfReach>(failure).is_some()
}
