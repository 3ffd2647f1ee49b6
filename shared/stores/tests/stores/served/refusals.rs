//! What each refusal means, and that nothing of it is quoted.

use super::{CANARY, access, clusters, double, least, source, store};
use pawl_domain::{Fetched, Kind, Step, VersionSelector};
use pawl_ports::{Error, Part, Source, Wanted};
use pawl_servers::pairs::{Ask, Fault, Reply};
use pawl_world::FakeClock;
use serde_json::{Value, json};
use std::time::Duration;

/// Each store, a key of it, and how many calls come before the one that reads it: logins, and looking up what it is called.
const STORES: [(&str, &str, usize); 15] = [
    ("barbican", "a", 1),
    ("beyondtrust", "a/db", 1),
    ("beyondtrustworkloadcredentials", "a", 0),
    ("chef", "bag/a", 0),
    ("dvls", "22222222-2222-4222-8222-222222222222", 1),
    ("fortanix", "a", 0),
    ("infisical", "a", 1),
    ("ovh", "a", 0),
    ("passworddepot", "a", 3),
    ("previder", "a", 0),
    ("pulumi", "a", 0),
    ("scaleway", "id:a", 0),
    ("senhasegura", "a", 1),
    ("yandexcertificatemanager", "a", 2),
    ("yandexlockbox", "a", 2),
];

/// What is asked before keys are, by stores that give out tokens.
fn logins(server: &str) -> [(Ask, Reply); 10] {
    let endpoint = json!({ "interface": "public", "region": "r", "url": format!("{server}/km") });
    let at = |id: &str| json!({ "id": id, "address": server });
    let services = ["iam", "lockbox-payload", "certificate-manager-data"].map(at);
    let catalog = json!([{ "type": "key-manager", "endpoints": [endpoint] }]);
    [
        (
            Ask::post("/iso/oauth2/token", Value::Null),
            Reply::of(200, json!({ "access_token": "t", "expires_in": 3600 })),
        ),
        (
            Ask::post("/BeyondTrust/api/public/v3/Auth/SignAppIn", Value::Null),
            Reply::of(200, json!({ "UserId": 1 })).header("set-cookie", "session=s1; path=/; secure"),
        ),
        (Ask::get("/endpoints"), Reply::of(200, json!({ "endpoints": services }))),
        (Ask::post("/iam/v1/tokens", Value::Null), Reply::of(200, json!({ "iamToken": "t" }))),
        (Ask::get("/v1.0/login"), Reply::of(200, json!({ "client_id": "c", "access_token": "t" }))),
        (
            Ask::get("/v1.0/list"),
            Reply::of(200, json!({ "databases": [{ "name": "shop", "fingerprint": "d" }] })),
        ),
        (
            Ask::get("/v1.0/list").query("db", "d"),
            Reply::of(200, json!({ "entries": [{ "name": "a", "fingerprint": "e" }] })),
        ),
        (
            Ask::post("/api/v1/auth/universal-auth/login", Value::Null),
            Reply::of(200, json!({ "accessToken": "t", "expiresIn": 600 })),
        ),
        (Ask::post("/api/v1/login", Value::Null), Reply::of(200, json!({ "tokenId": "t" }))),
        (
            Ask::post("/v3/auth/tokens", Value::Null),
            Reply::of(201, json!({ "token": { "catalog": catalog } })).header("x-subject-token", "t"),
        ),
    ]
}

async fn failure(source: &dyn Source, access: &pawl_domain::Access, key: &str) -> Error {
    let wanted = Wanted { key: key.to_owned(), selector: VersionSelector::Current, part: Part::Value };
    let answer: Result<Fetched, Error> = source.fetch(access, &[wanted]).await.remove(0);
    answer.map(|_| ()).unwrap_err()
}

#[tokio::test]
async fn refusals_are_told_apart_and_quote_nothing() {
    for (name, key, before) in STORES {
        for (status, step, kind, times) in [
            (400, Step::Fetch, Kind::Invalid, 1),
            (401, Step::Authenticate, Kind::Denied, 1),
            (403, Step::Fetch, Kind::Denied, 1),
            (302, Step::Fetch, Kind::Invalid, 1),
            (429, Step::Fetch, Kind::Throttled, 1),
            (500, Step::Fetch, Kind::Transient, 3),
            (503, Step::Fetch, Kind::Transient, 3),
        ] {
            let (pairs, clusters) = (double().await, clusters());
            logins(pairs.address()).into_iter().for_each(|(ask, reply)| pairs.put(ask, reply));
            let backend = store(name, "SecretStore", &least(name, pairs.address())).unwrap().backend;
            let (source, access) = (source(name, &clusters, &FakeClock::default()), access(backend));
            let refusal = match status {
                429 => Reply::of(status, json!({ "message": CANARY })).header("retry-after", "120"),
                302 => Reply::of(status, Value::Null).header("location", "https://elsewhere.example.com/a"),
                _ => Reply::of(status, json!({ "message": CANARY, "errors": [CANARY] })),
            };
            for call in 0..times {
                pairs.fault(before + call, Fault::Answer(refusal.clone()));
            }
            let error = failure(source.as_ref(), &access, key).await;
            assert_eq!((error.step, error.kind), (step, kind), "{name} {status}: {error}");
            assert_eq!(pairs.asked().len(), before + times, "{name} {status}");
            assert!(!format!("{error} {error:?}").contains(CANARY), "{name} {status}: {error:?}");
            assert_eq!(error.retry_after(), (status == 429).then_some(Duration::from_secs(120)), "{name}");
        }
    }
}

/// What breaks off, is no JSON, or is of another form is no value and no missing key.
#[tokio::test]
async fn answers_that_are_not_whole_are_failures_of_the_moment() {
    // A payload of Barbican and an item of Chef may be anything.
    let formed = |(name, _, _): &(&str, &str, usize)| !matches!(*name, "barbican" | "chef");
    for (name, key, before) in STORES.into_iter().filter(formed) {
        for fault in [
            Fault::Answer(Reply::of(200, json!("<html>no JSON</html>"))),
            Fault::Answer(Reply::of(200, json!({ "another": "form", "response": {} }))),
        ] {
            let (pairs, clusters) = (double().await, clusters());
            logins(pairs.address()).into_iter().for_each(|(ask, reply)| pairs.put(ask, reply));
            let backend = store(name, "SecretStore", &least(name, pairs.address())).unwrap().backend;
            let (source, access) = (source(name, &clusters, &FakeClock::default()), access(backend));
            pairs.fault(before, fault.clone());
            let error = failure(source.as_ref(), &access, key).await;
            assert!(matches!(error.kind, Kind::Transient | Kind::Invalid), "{name} {fault:?}: {error}");
            pairs.strays();
        }
    }
}

/// The credential is read again once it is refused and no longer new.
#[tokio::test]
async fn rotated_credentials_are_read_again() {
    let (pairs, clusters, clock) = (double().await, clusters(), FakeClock::default());
    let of = |token: &str| Ask::get("/secret/a/decrypt").header("x-api-key", token);
    pairs.put(of("new"), Reply::of(200, json!({ "secret": "value" })));
    let backend = store("previder", "SecretStore", &least("previder", pairs.address())).unwrap().backend;
    let (source, access) = (source("previder", &clusters, &clock), access(backend));
    let error = failure(source.as_ref(), &access, "a").await;
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Denied), "{error}");
    clusters.edit("blue/shop/s", |secret| secret.set("k", "new"));
    clock.advance(Duration::from_secs(10));
    let wanted = Wanted { key: "a".to_owned(), selector: VersionSelector::Current, part: Part::Value };
    let value = source.fetch(&access, &[wanted]).await.remove(0).unwrap().value;
    assert_eq!(value.expose_str(), Some("value"));
}

#[tokio::test]
async fn service_accounts_are_traded_for_tokens_of_pulumi() {
    let (pairs, clusters) = (double().await, clusters());
    clusters.add_service_account("blue/shop/pawl", &[]);
    let mut spec = least("pulumi", pairs.address());
    spec["auth"] =
        json!({ "oidcConfig": { "organization": "org", "serviceAccountRef": { "name": "pawl" } } });
    let backend = store("pulumi", "SecretStore", &spec).unwrap().backend;
    let (source, access) = (source("pulumi", &clusters, &FakeClock::default()), access(backend));
    // For Pulumi's address, without the part that is ESC's.
    let subject = format!("token blue/shop/pawl for {}", pairs.address());
    let trade = json!({ "audience": "urn:pulumi:org:org", "expiration": 600, "subject_token": subject });
    pairs.put(
        Ask::post("/api/oauth/token", trade),
        Reply::of(200, json!({ "access_token": "traded", "expires_in": 600, "token_type": "token" })),
    );
    let of = |path: &str| format!("/api/esc/environments/org/project/env/open{path}");
    let open = Ask::post(&of(""), Value::Null).header("authorization", "token traded");
    pairs.put(open, Reply::of(200, json!({ "id": "7" })));
    pairs.put(
        Ask::get(&of("/7")).query("property", "a"),
        Reply::of(200, json!({ "value": 1.5, "trace": {} })),
    );
    let wanted = Wanted { key: "a".to_owned(), selector: VersionSelector::Current, part: Part::Value };
    let value = source.fetch(&access, &[wanted]).await.remove(0).unwrap().value;
    assert_eq!(value.expose_str(), Some("1.5"));
}
