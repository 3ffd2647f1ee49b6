//! Each call of an API is counted once, under what became of it.

use crate::stores::support::{access_in, current, moto, sources};
use metrics::{Counter, CounterFn, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use pawl_domain::store::AwsService;
use pawl_ports::Sources;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

#[tokio::test]
async fn every_call_is_counted_once() {
    let counts = Counts::default();
    let _guard = metrics::set_default_local_recorder(&counts);
    let (moto, region) = moto().await;
    for key in ["a", "b", "c", "d"] {
        moto.create_secret(region, key, key).await.unwrap();
    }
    let (sources, access) = (sources(moto.endpoint()), access_in(AwsService::SecretsManager, region));
    let wanted = ["a", "b", "c", "d", "none"].map(current);
    sources.fetch(&access, &wanted).await;
    sources.fetch(&access, &wanted[..1]).await;
    sources.versions(&access, &wanted[..2]).await;
    sources.changed_since(&access, None).await.unwrap();
    let want = [
        ("secrets-manager BatchGetSecretValue ok", 1),
        ("secrets-manager DescribeSecret ok", 2),
        ("secrets-manager GetSecretValue not-found", 1),
        ("secrets-manager GetSecretValue ok", 1),
        ("secrets-manager ListSecrets ok", 1),
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
