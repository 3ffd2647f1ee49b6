//! The generator VaultDynamicSecret, on a scripted server that keeps what it is asked.

use crate::support::{FakeCluster, TestSources, access_of, sources_of, store};
use jiff::Timestamp;
use pawl_domain::generator::{VaultGenerator, VaultMethod, VaultResult};
use pawl_domain::store::VaultStore;
use pawl_domain::{Access, Generator, SecretValue};
use pawl_ports::{Generation, Generators};
use pawl_servers::vault::VaultClock;
use std::collections::BTreeMap;
use std::time::Duration;
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers};

/// As Vault answers `database/creds/app`.
const CREDS: &str = r#"{"request_id":"r1","lease_id":"database/creds/app/x","renewable":true,"lease_duration":3600,
    "data":{"password":"hunter2","username":"v-app","port":5432,"big":12345678901234567890,"tags":{"z":1.50,"a":"<"},"none":null,"on":true},
    "wrap_info":null,"warnings":null,"auth":null,"mount_type":"database"}"#;

/// As Vault answers `auth/token/create`.
const TOKEN: &str = r#"{"request_id":"r2","lease_id":"","renewable":false,"lease_duration":0,"data":null,"wrap_info":null,"warnings":["w"],
    "auth":{"client_token":"hunter2","accessor":"a1","policies":["default","app"],"token_policies":["app"],"metadata":null,
    "lease_duration":1800,"renewable":true,"entity_id":"","token_type":"service","orphan":false,"mfa_requirement":null,"num_uses":0},"mount_type":"token"}"#;

struct World {
    server: MockServer,
    clock: VaultClock,
    makers: TestSources,
    access: Access,
}

async fn world(status: u16, body: &str, edit: impl FnOnce(&mut VaultGenerator)) -> World {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(status).set_body_raw(body, "application/json");
    Mock::given(matchers::any()).respond_with(answer).mount(&server).await;
    let mut spec = VaultGenerator {
        server: VaultStore { path: None, max_retries: Some(0), ..store(&server.uri()) },
        path: "database/creds/app".to_owned(),
        method: VaultMethod::Read,
        parameters: "{}".to_owned(),
        query: BTreeMap::new(),
        result: VaultResult::Data,
        allows_empty: false,
    };
    edit(&mut spec);
    let access =
        Access { backend: Generator::Vault(Box::new(spec)).into(), ..access_of(VaultStore::default()) };
    let clock = VaultClock::default();
    clock.stop_at(Timestamp::UNIX_EPOCH);
    let makers = sources_of(FakeCluster::with_token("token-1"), clock.clone());
    World { server, clock, makers, access }
}

impl World {
    /// The values, or the step and kind of failure, of which no value is shown.
    async fn told(&self) -> String {
        match self.makers.generate(&self.access).await {
            Ok(Generation { values, .. }) => {
                let text =
                    |(key, value): (&String, &SecretValue)| format!("{key}={}", value.expose_str().unwrap());
                values.iter().map(text).collect::<Vec<_>>().join(" ")
            }
            Err(error) => {
                let shown = format!("{error} {error:?}");
                assert!(!shown.contains("hunter2") && !shown.contains("token-1"), "{shown}");
                format!("{:?} {}", error.step, error.kind)
            }
        }
    }

    async fn asked(&self) -> Vec<Request> {
        self.server.received_requests().await.unwrap()
    }
}

#[tokio::test]
async fn each_method_is_one_call_as_esos_client_makes_it() {
    let body = r#"{"ttl":"1h"}"#;
    for (method, query, want) in [
        (VaultMethod::Read, "", "GET /v1/database/creds/app "),
        (VaultMethod::Read, "a b", "GET /v1/database/creds/app?format=a+b&format=c "),
        (VaultMethod::List, "", "GET /v1/database/creds/app?list=true "),
        (VaultMethod::Delete, "", "DELETE /v1/database/creds/app "),
        (VaultMethod::Write, "", r#"PUT /v1/database/creds/app {"ttl":"1h"}"#),
    ] {
        let world = world(200, CREDS, |spec| {
            spec.method = method;
            spec.parameters = body.to_owned();
            spec.server.namespace = Some("team".to_owned());
            if !query.is_empty() {
                spec.query = [("format".to_owned(), vec![query.to_owned(), "c".to_owned()])].into();
            }
        })
        .await;
        assert!(world.told().await.contains("password=hunter2"));
        let asked = world.asked().await;
        assert_eq!(asked.len(), 1, "{method:?}");
        let asked = &asked[0];
        let (path, query) = (asked.url.path(), asked.url.query().map(|query| format!("?{query}")));
        let line = format!(
            "{} {path}{} {}",
            asked.method,
            query.unwrap_or_default(),
            String::from_utf8_lossy(&asked.body)
        );
        assert_eq!(line, want);
        assert_eq!(asked.headers["x-vault-token"], "token-1");
        assert_eq!(asked.headers["x-vault-namespace"], "team");
    }
}

/// The texts are those that ESO's generator makes of the same answers.
#[tokio::test]
async fn values_are_those_of_esos_client() {
    let data = r#"big=12345678901234567890 none= on=true password=hunter2 port=5432 tags={"a":"\u003c","z":1.50} username=v-app"#;
    let auth = r#"accessor=a1 client_token=hunter2 entity_id= identity_policies= lease_duration=1800 metadata= mfa_requirement= orphan=false policies=["default","app"] renewable=true token_policies=["app"]"#;
    let raw = r#"data={"big":12345678901234567000,"none":null,"on":true,"password":"hunter2","port":5432,"tags":{"a":"\u003c","z":1.5},"username":"v-app"} lease_duration=3600 lease_id=database/creds/app/x mount_type=database renewable=true request_id=r1 warnings="#;
    let raw_auth = r#"auth={"accessor":"a1","client_token":"hunter2","entity_id":"","identity_policies":null,"lease_duration":1800,"metadata":null,"mfa_requirement":null,"orphan":false,"policies":["default","app"],"renewable":true,"token_policies":["app"]} data= lease_duration=0 lease_id= mount_type=token renewable=false request_id=r2 warnings=["w"]"#;
    let bare = r#"{"keys":["a"],"n":1.0}"#;
    for (body, result, want) in [
        (CREDS, VaultResult::Data, data),
        (CREDS, VaultResult::Auth, ""),
        (CREDS, VaultResult::Raw, raw),
        (TOKEN, VaultResult::Data, ""),
        (TOKEN, VaultResult::Auth, auth),
        (TOKEN, VaultResult::Raw, raw_auth),
        (bare, VaultResult::Data, r#"keys=["a"] n=1.0"#),
        (
            bare,
            VaultResult::Raw,
            r#"data={"keys":["a"],"n":1} lease_duration=0 lease_id= renewable=false request_id= warnings="#,
        ),
    ] {
        let world = world(200, body, |spec| spec.result = result).await;
        assert_eq!(world.told().await, want, "{result:?} of {body}");
    }
}

#[tokio::test]
async fn it_is_good_as_long_as_its_lease() {
    for (body, seconds) in [
        (CREDS, Some(3600)),
        (TOKEN, Some(1800)),
        (r#"{"request_id":"r","data":{"a":"b"}}"#, None),
        (r#"{"request_id":"r","lease_duration":-1,"data":{"a":"b"}}"#, None),
    ] {
        let world = world(200, body, |_| {}).await;
        let made = world.makers.generate(&world.access).await.unwrap();
        let want = seconds.map(|seconds| world.clock.now() + Duration::from_secs(seconds));
        assert_eq!(made.expires, want, "{body}");
    }
}

#[tokio::test]
async fn an_empty_answer_is_an_error_unless_it_is_allowed() {
    for (status, body, method) in [
        (204, "", VaultMethod::Write),
        (200, "", VaultMethod::Read),
        (404, r#"{"errors":[]}"#, VaultMethod::Read),
        (404, r#"{"errors":[]}"#, VaultMethod::List),
        (404, r#"{"request_id":"r","data":null}"#, VaultMethod::Read),
    ] {
        for (allows_empty, want) in [(false, "Fetch invalid"), (true, "")] {
            let world = world(status, body, |spec| {
                (spec.method, spec.allows_empty) = (method, allows_empty);
            })
            .await;
            assert_eq!(world.told().await, want, "{status} {body} {method:?}");
        }
    }
}

#[tokio::test]
async fn refusals_and_other_answers_are_errors_and_asked_for_once() {
    for (status, body, method, want) in [
        (200, "<html>hunter2", VaultMethod::Read, "Fetch transient"),
        (200, "[\"hunter2\"]", VaultMethod::Read, "Fetch transient"),
        (200, r#"{"request_id":"r","data":["hunter2"]}"#, VaultMethod::Read, "Fetch transient"),
        (200, r#"{"request_id":"r","auth":"hunter2"}"#, VaultMethod::Read, "Fetch transient"),
        (400, r#"{"errors":["hunter2"]}"#, VaultMethod::Write, "Fetch invalid"),
        (403, r#"{"errors":["1 error occurred: permission denied"]}"#, VaultMethod::Read, "Fetch denied"),
        (403, r#"{"errors":["permission denied, invalid token"]}"#, VaultMethod::Read, "Authenticate denied"),
        (404, r#"{"errors":["no handler for route hunter2"]}"#, VaultMethod::Read, "Fetch invalid"),
        (404, r#"{"errors":[]}"#, VaultMethod::Write, "Fetch invalid"),
        (404, r#"{"errors":[]}"#, VaultMethod::Delete, "Fetch invalid"),
        (429, "hunter2", VaultMethod::Read, "Fetch throttled"),
        (500, r#"{"errors":["hunter2"]}"#, VaultMethod::Read, "Fetch transient"),
        (503, r#"{"errors":["Vault is sealed"]}"#, VaultMethod::Read, "Fetch transient"),
    ] {
        let world = world(status, body, |spec| (spec.method, spec.allows_empty) = (method, true)).await;
        assert_eq!(world.told().await, want, "{status} {body}");
        assert_eq!(world.asked().await.len(), 1, "{status} {body}");
    }
}

#[tokio::test]
async fn it_is_asked_again_where_the_manifest_says_so() {
    let world = world(500, "", |spec| spec.server.max_retries = Some(2)).await;
    assert_eq!(world.told().await, "Fetch transient");
    assert_eq!(world.asked().await.len(), 3);
}

#[tokio::test]
async fn a_token_that_ended_is_replaced_and_the_call_made_once_more() {
    let cluster = FakeCluster::with_token("token-1");
    let clock = VaultClock::default();
    clock.stop_at(Timestamp::UNIX_EPOCH);
    let makers = sources_of(cluster, clock.clone());
    let world = World { makers, clock, ..world(200, CREDS, |_| {}).await };
    assert!(world.told().await.contains("password"));
    world.clock.advance(Duration::from_secs(10));
    world.server.reset().await;
    let refusal =
        ResponseTemplate::new(403).set_body_raw(r#"{"errors":["invalid token"]}"#, "application/json");
    Mock::given(matchers::any()).respond_with(refusal).up_to_n_times(1).mount(&world.server).await;
    let answer = ResponseTemplate::new(200).set_body_raw(CREDS, "application/json");
    Mock::given(matchers::any()).respond_with(answer).mount(&world.server).await;
    assert!(world.told().await.contains("password"));
}

#[tokio::test]
async fn a_path_leads_nowhere_else() {
    let world = world(200, CREDS, |spec| spec.path = "database/../sys/raw".to_owned()).await;
    assert_eq!(world.told().await, "Fetch invalid");
    assert!(world.asked().await.is_empty());
}
