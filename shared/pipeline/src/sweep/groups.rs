//! The identities to visit, and what each of them reads.

use crate::parts::Sweep;
use futures::{StreamExt, TryStreamExt, stream};
use pawl_domain::store::Home;
use pawl_domain::{Access, Declaration, Generator, Rules, Store};
use pawl_ports::{Error, PAGE, Ports, Registry, Scope, SweptStore};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How many stores are looked up at the same time.
const AT_ONCE: usize = 32;

/// The stores that one identity reads, and the shortest interval among them.
pub(crate) struct Group {
    pub(crate) interval: Duration,
    pub(crate) stores: Vec<Store>,
}

/// How often it is looked at whether a generator must make something anew: only the clock tells, and it is told by nobody. The
/// lateness is a tenth of the interval at most; of what expires a twentieth of its life is left.
fn looked_at_each(generator: &Generator, interval: Duration) -> Duration {
    let of_life = generator.lifetime().map(|lifetime| lifetime / 20);
    of_life.into_iter().fold(interval / 10, Duration::min)
}

impl<P: Ports> Sweep<P> {
    pub(crate) async fn groups(&self, rules: &Rules) -> Result<BTreeMap<Access, Group>, Error> {
        let stores = self.base.ports.registry().swept_stores().await?;
        let lookups: Vec<_> = stores
            .into_iter()
            .filter_map(|SweptStore { store, interval }| Some((store, interval?)))
            .map(async |(store, interval)| {
                let accesses = self.accesses_of(&store, rules).await?;
                Ok::<_, Error>((store, interval, accesses))
            })
            .collect();
        let found: Vec<_> = stream::iter(lookups).buffered(AT_ONCE).try_collect().await?;
        let mut groups: BTreeMap<Access, Group> = BTreeMap::new();
        for (store, interval, accesses) in found {
            let interval = store.backend.as_generator().map_or(interval, |it| looked_at_each(it, interval));
            for access in accesses {
                let group = groups.entry(access).or_insert_with(|| Group { interval, stores: Vec::new() });
                group.interval = group.interval.min(interval);
                group.stores.push(store.clone());
            }
        }
        Ok(groups)
    }

    /// The identities that may read a store: one, unless they depend on who reads.
    async fn accesses_of(&self, store: &Store, rules: &Rules) -> Result<BTreeSet<Access>, Error> {
        // What lives in one namespace of one cluster is read from there only.
        if let (Home::Cluster(cluster), Some(namespace)) = (&store.id.home, &store.id.namespace) {
            return Ok(rules.access(store, cluster, namespace).into_iter().collect());
        }
        let mut found = BTreeSet::new();
        let mut pages = self.base.ports.registry().pages(Scope::Store(store.id.clone()));
        let mut size = 1;
        while let Some(page) = pages.next_of(size).await? {
            found.extend(accesses(&page, store, rules));
            // One that depends on nobody is everybody's, unless it is refused to the first of them.
            let anybodys = |access: &Access| access.cluster.is_none() && access.tags.is_none();
            if found.iter().any(anybodys) {
                break;
            }
            size = PAGE;
        }
        Ok(found)
    }
}

/// The identities with which these declarations may read a store.
fn accesses(declarations: &[Declaration], store: &Store, rules: &Rules) -> BTreeSet<Access> {
    let reading = declarations.iter().filter(|each| each.reads.iter().any(|read| read.store == store.id));
    reading.filter_map(|each| rules.access(store, &each.id.cluster, &each.id.namespace).ok()).collect()
}
