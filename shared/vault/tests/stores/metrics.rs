//! Each call of the API is counted once, under what became of it.

use crate::logins::{password, server_with_logins};
use crate::support::{FakeCluster, access_of, current, metadata, sources_of, store};
use metrics::{Counter, CounterFn, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use pawl_domain::store::VaultStore;
use pawl_domain::{Find, Keep, Provider};
use pawl_ports::Sources;
use pawl_servers::vault::{VaultFault, VaultRule};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

#[tokio::test]
async fn every_call_is_counted_once() {
    let counts = Counts::default();
    let _guard = metrics::set_default_local_recorder(&counts);
    let double = server_with_logins().await;
    double.faults().add(VaultRule::new(VaultFault::sealed()).path("secret/data/a").times(2));
    let cluster = FakeCluster::default().with("shop/login/secret", "pa55");
    let sources = sources_of(cluster, double.clock());
    let access = access_of(VaultStore { auth: Some(password("ann")), ..store(&double.address()) });
    let wanted = ["secret/a", "secret/none", "secret/a"].map(current);
    sources.fetch(&access, &wanted).await;
    sources.fetch(&access, &[metadata("secret/a")]).await;
    sources.versions(&access, &wanted).await;
    sources.find(&access, &Find::default(), &Keep::everything(Provider::Vault)).await.unwrap();
    sources.close().await;
    let want = [
        ("vault list ok", 1),
        ("vault login ok", 1),
        ("vault metadata not-found", 1),
        ("vault metadata ok", 2),
        ("vault read not-found", 1),
        ("vault read ok", 2),
        ("vault revoke ok", 1),
    ];
    assert_eq!(*counts.0.lock().unwrap(), want.map(|(labels, count)| (labels.to_owned(), count)).into());
}

/// Counters by their labels.
#[derive(Clone, Default)]
struct Counts(Arc<Mutex<BTreeMap<String, u64>>>);

impl Recorder for Counts {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        if key.name() != "pawl_store_calls_total" {
            return Counter::noop();
        }
        let labels = ["provider", "call", "status"].map(|name| {
            let label = key.labels().find(|label| label.key() == name);
            label.unwrap().value().to_owned()
        });
        Counter::from_arc(Arc::new(Count { counts: self.clone(), labels: labels.join(" ") }))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

struct Count {
    counts: Counts,
    labels: String,
}

impl CounterFn for Count {
    fn increment(&self, by: u64) {
        *self.counts.0.lock().unwrap().entry(self.labels.clone()).or_default() += by;
    }

    fn absolute(&self, _: u64) {}
}
