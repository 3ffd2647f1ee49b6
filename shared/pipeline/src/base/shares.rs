//! Fair shares: limits on concurrent work in all, per tenant, and per host of stores. One tenant's slow stores delay
//! no other tenant.

use pawl_domain::{Access, ClusterName, Namespace};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Whose credentials prove an identity: the namespace of a cluster, or nobody's but the operator's.
pub(crate) type Tenant = (Option<ClusterName>, Option<Namespace>);

/// Who is behind an identity.
pub(crate) fn tenant(access: &Access) -> Tenant {
    let tagged = access.tags.as_ref().map(|(namespace, _)| namespace);
    (access.cluster.clone(), tagged.or(access.namespace.as_ref()).cloned())
}

/// The host that an identity's stores are at.
pub(crate) fn host(access: &Access) -> String {
    access.backend.location().to_string()
}

/// How much each tenant may have under way, of all.
const OF_TENANT: usize = 8;
/// How much may be under way at one host, of all.
const OF_HOST: usize = 2;
/// From so many tenants or hosts on, those that have nothing under way are forgotten.
const REMEMBERED: usize = 1_000;

/// The shares of a process.
#[derive(Debug)]
pub(crate) struct Shares {
    all: Arc<Semaphore>,
    tenants: Pools<Tenant>,
    hosts: Pools<String>,
}

/// A place among what is under way, until it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    _places: [Option<OwnedSemaphorePermit>; 3],
}

impl Shares {
    /// Room for `most` at once.
    pub(crate) fn new(most: usize) -> Self {
        let most = most.max(1);
        Self {
            all: Arc::new(Semaphore::new(most)),
            tenants: Pools::new((most / OF_TENANT).max(1)),
            hosts: Pools::new((most / OF_HOST).max(1)),
        }
    }

    /// Waits for a place. The operator's own identities share the room of all.
    pub(crate) async fn take(&self, tenant: &Tenant, host: Option<&str>) -> Share {
        // The narrowest first: who waits for its own holds nothing that others want.
        let tenant = match tenant {
            (None, None) => None,
            own => self.tenants.take(own.clone()).await,
        };
        let host = match host {
            Some(host) => self.hosts.take(host.to_owned()).await,
            None => None,
        };
        // The semaphore is never closed.
        let all = Arc::clone(&self.all).acquire_owned().await.ok();
        Share { _places: [tenant, host, all] }
    }
}

#[derive(Debug)]
struct Pools<K> {
    each: usize,
    pools: Mutex<HashMap<K, Arc<Semaphore>>>,
}

impl<K: Eq + Hash> Pools<K> {
    fn new(each: usize) -> Self {
        Self { each, pools: Mutex::default() }
    }

    async fn take(&self, of: K) -> Option<OwnedSemaphorePermit> {
        let pool = {
            let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
            if pools.len() >= REMEMBERED {
                pools.retain(|_, pool| Arc::strong_count(pool) > 1);
            }
            Arc::clone(pools.entry(of).or_insert_with(|| Arc::new(Semaphore::new(self.each))))
        };
        pool.acquire_owned().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn of(namespace: &str) -> Tenant {
        (Some("blue".parse().unwrap_or_else(|_| unreachable!("a name"))), namespace.parse().ok())
    }

    #[test]
    fn a_tenant_that_has_its_share_leaves_room_for_others() {
        let shares = Shares::new(16);
        let take = |tenant: &Tenant, host| shares.take(tenant, Some(host)).now_or_never();
        let held: Vec<_> = (0..16).filter_map(|_| take(&of("greedy"), "vault")).collect();
        assert_eq!(held.len(), 2);
        assert!(take(&of("shop"), "vault").is_some());
        drop(held);
        assert!(take(&of("greedy"), "vault").is_some());
    }

    #[test]
    fn a_host_that_is_slow_leaves_room_for_others() {
        let shares = Shares::new(16);
        let take = |host| shares.take(&(None, None), Some(host)).now_or_never();
        let held: Vec<_> = (0..16).filter_map(|_| take("slow")).collect();
        assert_eq!(held.len(), 8);
        assert!(take("fast").is_some());
    }
}
