//! A value shows up nowhere but in the answer: a canary goes every way that a secret can go.

use crate::logins::password;
use crate::support::{FakeCluster, access_of, current, metadata, sources_of, store};
use pawl_domain::store::{KvVersion, VaultStore};
use pawl_domain::{Find, Keep, Provider, Version};
use pawl_ports::{Error, Sources};
use pawl_servers::vault::VaultClock;
use pawl_world::Canary;
use serde_json::json;
use std::error::Error as StdError;
use wiremock::matchers::{method, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// In one test, for a canary listens to the whole process.
#[tokio::test]
async fn no_value_and_no_credential_is_in_a_log_or_an_error() {
    let canary = Canary::new();
    let mut shown = String::new();
    for (status, body) in bodies(canary.value()) {
        let server = MockServer::start().await;
        let auth =
            json!({ "auth": { "client_token": canary.value(), "lease_duration": 60, "renewable": true } });
        let answer = ResponseTemplate::new(200).set_body_json(auth);
        Mock::given(method("POST")).and(path_regex("login")).respond_with(answer).mount(&server).await;
        let answer = ResponseTemplate::new(status).set_body_raw(body, "application/json");
        Mock::given(wiremock::matchers::any()).respond_with(answer).mount(&server).await;
        for version in [KvVersion::V1, KvVersion::V2] {
            let by_token = VaultStore { version, ..store(&server.uri()) };
            for store in [by_token.clone(), VaultStore { auth: Some(password("ann")), ..by_token }] {
                shown += &asked(store, canary.value()).await;
            }
        }
    }
    assert!(
        shown.contains("not-found") || shown.contains("not in the known form"),
        "something was shown: {shown}"
    );
    assert!(canary.absent_from(&shown), "the canary is in what can be printed");
    canary.assert_absent_from_logs();
}

/// Whole, cut in the middle, of the wrong form, and within refusals of servers that are none.
fn bodies(canary: &str) -> Vec<(u16, String)> {
    let whole = json!({
        "data": { "value": canary, "data": { "value": canary }, "metadata": { "version": 1 }, "keys": ["a"],
                  "current_version": 1, "custom_metadata": { "a": canary } },
    })
    .to_string();
    vec![
        (200, whole.clone()),
        (200, whole[..whole.len() - 10].to_owned()),
        (200, json!({ "data": canary }).to_string()),
        (
            200,
            json!({ "data": { "data": canary, "metadata": { "version": canary }, "keys": canary } })
                .to_string(),
        ),
        (200, format!("\"{canary}")),
        (404, whole.clone()),
        (400, whole.clone()),
        (403, format!("<html>{canary}</html>")),
        (500, json!(canary).to_string()),
    ]
}

/// Everything that anybody could print of what comes back, but the value.
async fn asked(store: VaultStore, canary: &str) -> String {
    let store = VaultStore { max_retries: Some(0), ..store };
    let cluster = FakeCluster::with_token(canary).with("shop/login/secret", canary);
    let (sources, access) = (sources_of(cluster, VaultClock::default()), access_of(store));
    let mut shown = String::new();
    for wanted in [current("secret/a"), metadata("secret/a")] {
        let wanted = [wanted];
        for answer in sources.fetch(&access, &wanted).await {
            shown += &printed(answer);
        }
        for answer in sources.versions(&access, &wanted).await {
            shown += &printed::<Version>(answer);
        }
    }
    shown += &printed(sources.find(&access, &Find::default(), &Keep::everything(Provider::Vault)).await);
    sources.close().await;
    shown
}

fn printed<T: std::fmt::Debug>(answer: Result<T, Error>) -> String {
    match answer {
        Ok(found) => format!("{found:?}\n"),
        Err(error) => {
            let causes = std::iter::successors(Some(&error as &dyn StdError), |&cause| cause.source());
            causes.map(|cause| format!("{cause} {cause:?} ")).collect::<String>() + error.kind.as_str() + "\n"
        }
    }
}
