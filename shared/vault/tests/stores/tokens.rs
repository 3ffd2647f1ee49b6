//! The life of tokens: one login, renewed, given up when refused, revoked at the end.

use crate::logins::{password, server_with_logins};
use crate::support::{
    FakeCluster, TestSources, access, access_of, current, double, options, shared_sources, sources_of, store,
    told,
};
use pawl_domain::store::VaultStore;
use pawl_domain::{Access, Kind};
use pawl_ports::{Sink, Sources};
use pawl_servers::vault::{CallClass, VaultDouble};
use pawl_world::contract::sinks::one;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const READ: &str = r#"{"a":1}@1"#;

#[tokio::test]
async fn one_login_serves_all_who_ask_for_as_long_as_it_lasts() {
    let double = server_with_logins().await;
    double.mount_kv("", "team", 2);
    let sources = logged_in(&double);
    let (access, wanted) = (by_password(&double), [current("secret/a"), current("secret/none")]);
    let answers = futures::future::join_all((0..20).map(|_| sources.fetch(&access, &wanted))).await;
    assert!(answers.iter().all(|answers| told(answers) == [READ, "not-found"]));
    let team =
        VaultStore { path: Some("team".to_owned()), auth: Some(password("ann")), ..store(&double.address()) };
    sources.fetch(&access_of(team), &[current("team/a")]).await;
    assert_eq!(logins(&double), 1, "for twenty callers and two stores of one server");
}

#[tokio::test]
async fn tokens_are_renewed_until_their_longest_life_and_then_logged_in_anew() {
    let double = server_with_logins().await;
    let (sources, access) = (logged_in(&double), by_password(&double));
    // The token lives for 20 minutes, is renewed after 15, and may live for an hour.
    let mut seen = Vec::new();
    for minutes in [0, 14, 1, 15, 15, 14, 2] {
        double.clock().advance(Duration::from_secs(minutes * 60));
        assert_eq!(told(&sources.fetch(&access, &[current("secret/a")]).await), [READ]);
        seen.push((logins(&double), renewals(&double)));
    }
    assert_eq!(seen[..4], [(1, 0), (1, 0), (1, 1), (1, 2)]);
    assert!(seen[6].0 >= 2, "{seen:?}");
    assert!(revoked(&double, 1).await, "the first token is not left lying about");
}

#[tokio::test]
async fn a_token_that_is_refused_is_proven_anew_once() {
    let double = server_with_logins().await;
    let (sources, access) = (logged_in(&double), by_password(&double));
    assert_eq!(told(&sources.fetch(&access, &[current("secret/a")]).await), [READ]);
    double.expire_tokens();
    double.clock().advance(Duration::from_secs(6));
    let wanted = ["secret/a", "secret/none"].map(current);
    assert_eq!(told(&sources.fetch(&access, &wanted).await), [READ, "not-found"]);
    assert_eq!(logins(&double), 2);

    double.expire_tokens();
    let answers = sources.fetch(&access, &wanted).await;
    assert_eq!(told(&answers), ["denied", "denied"], "a login a moment ago brought this one");
    assert_eq!(logins(&double), 2);
}

#[tokio::test]
async fn what_policies_deny_costs_no_login_for_each_key() {
    let double = server_with_logins().await;
    double.mount_kv("", "bank", 2);
    double.put("", "bank", "a", &json!({ "a": 1 })).unwrap();
    let sources = logged_in(&double);
    let bank =
        VaultStore { path: Some("bank".to_owned()), auth: Some(password("ann")), ..store(&double.address()) };
    let bank = access_of(bank);
    for seconds in [0, 6, 30] {
        double.clock().advance(Duration::from_secs(seconds));
        let error = crate::support::failure(sources.fetch(&bank, &[current("bank/a")]).await);
        assert!(error.message().contains("allow read on bank/data/a"), "{error}");
    }
    assert_eq!(logins(&double), 1);
    double.put_policy("", "reader", "path \"bank/*\" {\n  capabilities = [\"read\"]\n}\n").unwrap();
    assert_eq!(told(&sources.fetch(&bank, &[current("bank/a")]).await), [READ]);
}

#[tokio::test]
async fn what_is_not_ours_to_write_costs_no_login() {
    let double = server_with_logins().await;
    let all = "path \"secret/*\" {\n  capabilities = [\"create\", \"read\", \"update\"]\n}\n";
    double.put_policy("", "reader", all).unwrap();
    let (sources, access) = (logged_in(&double), by_password(&double));
    for _ in 0..3 {
        double.clock().advance(Duration::from_secs(90));
        let error = sources.push(&access, &one("secret/a", Some("b"), "2")).await.unwrap_err();
        assert_eq!(error.kind, Kind::Denied, "{error}");
    }
    assert_eq!(logins(&double), 1, "the server refused nothing");
}

#[tokio::test]
async fn closing_revokes_what_logins_gave() {
    let double = server_with_logins().await;
    let before = double.token_count();
    let (sources, access) = (logged_in(&double), by_password(&double));
    sources.fetch(&access, &[current("secret/a")]).await;
    assert_eq!(double.token_count(), before + 1);
    sources.close().await;
    assert_eq!(double.token_count(), before);
    assert_eq!(
        told(&sources.fetch(&access, &[current("secret/a")]).await),
        [READ],
        "who asks again is logged in again"
    );
    drop(sources);
    assert!(revoked(&double, 2).await, "so it is without a word at the end");
}

#[tokio::test]
async fn batch_tokens_are_neither_renewed_nor_revoked() {
    let double = server_with_logins().await;
    let user =
        json!({ "password": "pa55", "token_policies": "reader", "token_ttl": "20m", "token_type": "batch" });
    double.api().unwrap().must("POST", "auth/userpass/users/ann", Some(&user)).await.unwrap();
    double.forget_calls();
    let (sources, access) = (logged_in(&double), by_password(&double));
    for minutes in [0, 16] {
        double.clock().advance(Duration::from_secs(minutes * 60));
        assert_eq!(told(&sources.fetch(&access, &[current("secret/a")]).await), [READ]);
    }
    sources.close().await;
    assert_eq!((logins(&double), double.count("POST", CallClass::Token)), (2, 0));
}

#[tokio::test]
async fn tokens_in_secrets_are_read_again_and_never_revoked() {
    let double = double().await;
    double.put("", "secret", "a", &json!({ "a": 1 })).unwrap();
    let cluster = Arc::new(FakeCluster::with_token(double.root_token()));
    let sources = shared_sources(&cluster, double.clock(), options());
    let access = access(&double);
    let ask = async || told(&sources.fetch(&access, &[current("secret/a")]).await).remove(0);
    assert_eq!(ask().await, READ);
    assert_eq!(ask().await, READ);
    assert_eq!(cluster.asked().len(), 1);
    cluster.set("shop/vault/token", "another");
    double.clock().advance(Duration::from_secs(60));
    assert_eq!(ask().await, "denied");
    cluster.set("shop/vault/token", double.root_token());
    double.clock().advance(Duration::from_secs(6));
    assert_eq!(ask().await, READ, "a refused token is read again before its time");
    sources.close().await;
    assert_eq!(double.count("POST", CallClass::Token), 0);
}

#[tokio::test]
async fn a_token_that_no_header_can_hold_is_not_sent() {
    let double = double().await;
    let sources = sources_of(FakeCluster::with_token("token\n"), double.clock());
    let error = crate::support::failure(sources.fetch(&access(&double), &[current("secret/a")]).await);
    assert!(error.message().ends_with("check for a line break at its end"), "{error}");
    assert_eq!(double.calls(), []);
}

fn logged_in(double: &VaultDouble) -> TestSources {
    sources_of(FakeCluster::default().with("shop/login/secret", "pa55"), double.clock())
}

fn by_password(double: &VaultDouble) -> Access {
    access_of(VaultStore { auth: Some(password("ann")), ..store(&double.address()) })
}

fn logins(double: &VaultDouble) -> usize {
    double.count("POST", CallClass::Login)
}

fn renewals(double: &VaultDouble) -> usize {
    double.calls().iter().filter(|call| call.path == "auth/token/renew-self").count()
}

/// Whether there come to be so many revocations: those of dropped tokens are made in the background.
async fn revoked(double: &VaultDouble, count: usize) -> bool {
    let limit = tokio::time::Instant::now() + Duration::from_secs(5);
    loop {
        let revoked = double.calls().iter().filter(|call| call.path == "auth/token/revoke-self").count();
        if revoked >= count || tokio::time::Instant::now() > limit {
            return revoked == count;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
