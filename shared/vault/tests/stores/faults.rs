//! Servers that fail: what is tried again, for how long, and what it is called in the end.

use crate::support::{
    FakeCluster, access, access_of, bounded, current, double, failure, shared_sources, sources, sources_of,
    store, told,
};
use pawl_domain::store::VaultStore;
use pawl_domain::{Kind, Step};
use pawl_ports::Sources;
use pawl_servers::vault::{VaultClock, VaultFault, VaultRule};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[tokio::test]
async fn what_passes_is_tried_again_and_what_stays_has_its_kind() {
    for (fault, kind, want) in [
        (VaultFault::rate_limited(0), Kind::Throttled, "throttled ("),
        (
            VaultFault::missing_state(),
            Kind::Stale,
            "the node has not caught up yet (required index state not present)",
        ),
        (VaultFault::standby(472), Kind::Transient, "the node is a standby"),
        (VaultFault::standby(473), Kind::Transient, "the node is a standby"),
        (VaultFault::sealed(), Kind::Transient, "the server failed with 503 (Vault is sealed)"),
        (VaultFault::internal_error(), Kind::Transient, "the server failed with 500 (internal error)"),
        (VaultFault::CutBefore, Kind::Transient, "the answer broke off"),
        (VaultFault::CutBody, Kind::Transient, "the answer broke off"),
    ] {
        for (strikes, passes) in [(2, true), (3, false)] {
            let double = double().await;
            double.put("", "secret", "a", &json!({ "a": 1 })).unwrap();
            double.faults().add(VaultRule::new(fault.clone()).path("secret/data/*").times(strikes));
            let answers = sources(&double).fetch(&access(&double), &[current("secret/a")]).await;
            if passes {
                assert_eq!(told(&answers), [r#"{"a":1}@1"#], "{fault:?}");
            } else {
                let error = failure(answers);
                assert_eq!((error.step, error.kind), (Step::Fetch, kind), "{fault:?}: {error}");
                assert!(error.message().contains(want) && error.is_retryable(), "{error}");
            }
            assert_eq!(double.faults().hits(), strikes.min(3), "{fault:?}");
        }
    }
}

#[tokio::test]
async fn the_store_says_how_often() {
    for (retries, strikes, want) in
        [(Some(0), 1, "transient"), (Some(4), 4, r#"{"a":1}@1"#), (Some(4), 5, "transient")]
    {
        let double = double().await;
        double.put("", "secret", "a", &json!({ "a": 1 })).unwrap();
        double.faults().add(VaultRule::new(VaultFault::sealed()).times(strikes));
        let store = VaultStore { max_retries: retries, ..store(&double.address()) };
        let answers = sources(&double).fetch(&access_of(store), &[current("secret/a")]).await;
        assert_eq!(told(&answers), [want], "{retries:?} retries, {strikes} failures");
    }
}

#[tokio::test]
async fn who_is_asked_to_wait_for_long_does_not_ask_again() {
    let double = double().await;
    double.faults().add(VaultRule::new(VaultFault::rate_limited(3600)));
    let error = failure(sources(&double).fetch(&access(&double), &[current("secret/a")]).await);
    assert_eq!((error.kind, double.faults().hits()), (Kind::Throttled, 1));
}

#[tokio::test]
async fn other_refusals_are_not_tried_again() {
    for (fault, step, kind, want) in [
        (
            VaultFault::denied(),
            Step::Fetch,
            Kind::Denied,
            "access denied (permission denied); allow read on secret/data/a",
        ),
        (
            VaultFault::answer(400, "no"),
            Step::Fetch,
            Kind::Invalid,
            "not accepted with 400 (in words that are not passed on)",
        ),
        (
            VaultFault::answer(405, "unsupported operation"),
            Step::Fetch,
            Kind::Invalid,
            "not accepted with 405 (unsupported operation)",
        ),
        (
            VaultFault::answer(404, "no handler for route \"secret/data/a\". route entry not found."),
            Step::Fetch,
            Kind::Invalid,
            "there is nothing at secret/data/a (no handler for route; route entry not found); \
             check the store's path, version and namespace",
        ),
        (
            VaultFault::answer(403, "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"),
            Step::Authenticate,
            Kind::Denied,
            "the token was refused (invalid token; permission denied); check the store's auth",
        ),
    ] {
        let double = double().await;
        double.faults().add(VaultRule::new(fault.clone()));
        let error = failure(sources(&double).fetch(&access(&double), &[current("secret/a")]).await);
        let want = format!("vault at {}: secret/a: {want}", double.address());
        assert_eq!((error.step, error.kind, error.message()), (step, kind, want.as_str()), "{fault:?}");
        assert_eq!(double.faults().hits(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn silent_servers_cost_one_attempt_and_no_more() {
    let double = double().await;
    double.faults().add(VaultRule::new(VaultFault::Hang));
    let cluster = Arc::new(FakeCluster::with_token(double.root_token()));
    let bounds = bounded(|bounds| bounds.attempt_timeout = Duration::from_millis(200));
    let sources = shared_sources(&cluster, double.clock(), bounds);
    let begun = Instant::now();
    let wanted: Vec<_> = (0..10).map(|number| current(&format!("secret/{number}"))).collect();
    let answers = sources.fetch(&access(&double), &wanted).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    for answer in answers {
        let error = answer.unwrap_err();
        assert!(error.kind == Kind::Unreachable && error.message().ends_with("no answer in time"), "{error}");
    }
    assert_eq!(double.faults().hits(), 10, "each key is asked for once");
}

#[tokio::test]
async fn servers_that_are_not_there_are_told_apart() {
    let double = double().await;
    let plain = double.address();
    let gone = { crate::support::double().await.address() };
    for (server, kind, want) in [
        (gone, Kind::Unreachable, "cannot be reached; check network and server"),
        (plain.replace("http:", "https:"), Kind::Unreachable, "TLS failed"),
        ("vault.example.com".to_owned(), Kind::Invalid, "the store's server is no address"),
        ("ftp://vault.example.com".to_owned(), Kind::Invalid, "the store's server is no address"),
        (plain.replace("//", "//me:hunter2@"), Kind::Invalid, "the store's server holds a password"),
    ] {
        let store = VaultStore { max_retries: Some(0), ..store(&server) };
        let sources = sources_of(FakeCluster::with_token("t"), VaultClock::default());
        let error = failure(sources.fetch(&access_of(store), &[current("secret/a")]).await);
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message().contains(want), "{error}");
    }
}

#[tokio::test]
async fn one_bad_key_hurts_no_other() {
    let double = double().await;
    for key in ["a", "b", "c"] {
        double.put("", "secret", key, &json!({ "k": key })).unwrap();
    }
    double.faults().add(VaultRule::new(VaultFault::internal_error()).path("secret/data/b"));
    let wanted = ["secret/a", "secret/b", "secret/c", "secret/b"].map(current);
    let answers = sources(&double).fetch(&access(&double), &wanted).await;
    assert_eq!(told(&answers), [r#"{"k":"a"}@1"#, "transient", r#"{"k":"c"}@1"#, "transient"]);
}
