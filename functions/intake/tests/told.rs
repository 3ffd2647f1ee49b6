//! Who is let in, what each sender is answered, and what arrives on the bus.

#![expect(clippy::unwrap_used, reason = "what a test cannot do must end it")]

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use pawl_domain::SecretValue;
use pawl_intake::{Site, handle};
use pawl_runtime::{EventBus, config, event_grid, pubsub};
use pawl_servers::Signer;
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const AUDIENCE: &str = "https://pawl.lambda-url.eu-central-1.on.aws/v1/google/pubsub";
const ACCOUNT: &str = "pawl-push@shop.iam.gserviceaccount.com";
const NOW: i64 = 1_800_000_000;

/// A bus, the keys of Google, and a function in front of both.
struct World {
    server: MockServer,
    google: Signer,
    site: Site,
}

async fn world() -> World {
    let (server, google) = (MockServer::start().await, Signer::generate().unwrap());
    let takes = |request: &Request| {
        let taken: Vec<_> = details(request).iter().map(|_| json!({ "EventId": "e" })).collect();
        ResponseTemplate::new(200).set_body_json(json!({ "FailedEntryCount": 0, "Entries": taken }))
    };
    Mock::given(method("POST")).respond_with(takes).mount(&server).await;
    let keys = ResponseTemplate::new(200).set_body_json(key_set(&google));
    Mock::given(method("GET")).and(path("/certs")).respond_with(keys).mount(&server).await;
    let expected = pubsub::Expected { audience: AUDIENCE.to_owned(), account: ACCOUNT.to_owned() };
    let pubsub = config::PubSub { expected: Some(expected) };
    let pubsub = pubsub::Admission::with_keys_at(&format!("{}/certs", server.uri()), &pubsub);
    let event_grid = config::EventGrid { token: Some(SecretValue::new(TOKEN)), entra: None };
    let site = Site::new(bus(&server), pubsub, event_grid::Admission::new(&event_grid));
    World { server, google, site }
}

fn bus(server: &MockServer) -> EventBus {
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("eu-central-1"))
        .endpoint_url(server.uri())
        .credentials_provider(SharedCredentialsProvider::new(Credentials::for_tests()))
        .build();
    EventBus::new(&config, "pawl")
}

impl World {
    async fn told(&self, request: &Value) -> Value {
        handle(&self.site, request.clone(), now()).await.unwrap()
    }

    /// The status of the answer to a push.
    async fn pushed(&self, bearer: &str, body: &str) -> Value {
        let headers = json!({ "authorization": format!("Bearer {bearer}") });
        let answer = self.told(&request("POST", "/v1/google/pubsub", &headers, body)).await;
        answer["statusCode"].clone()
    }

    /// The keys of the changes on the bus, of each request.
    async fn keys(&self) -> Vec<Vec<String>> {
        let of = |request: &Request| {
            let key = |detail: &Value| detail["keys"][0].as_str().unwrap().to_owned();
            details(request).iter().map(key).collect::<Vec<_>>()
        };
        let posts = self.server.received_requests().await.unwrap().into_iter();
        posts.filter(|request| request.method == "POST").map(|request| of(&request)).collect()
    }

    /// The next request may not put events; later ones may.
    async fn refuse_once(&self) {
        let refusal = json!({ "__type": "AccessDeniedException", "message": "no" });
        let refusal = ResponseTemplate::new(400).set_body_json(refusal);
        let once = Mock::given(method("POST")).respond_with(refusal).up_to_n_times(1).with_priority(1);
        once.mount(&self.server).await;
    }

    fn token(&self, edits: &[(&str, Value)]) -> String {
        signed(&self.google, edits)
    }
}

#[tokio::test]
async fn what_pubsub_pushes_becomes_changes_on_the_bus() {
    let world = world().await;
    let token = world.token(&[]);
    assert_eq!(world.pushed(&token, &push("db")).await, 204);
    assert_eq!(world.keys().await, [["db"]]);
    let change = &details(&world.server.received_requests().await.unwrap()[1])[0];
    assert_eq!((change["kind"].as_str(), change["version"].as_str()), (Some("Change"), Some("4")));
    let mut encoded =
        request("POST", "/v1/google/pubsub", &json!({ "Authorization": format!("Bearer {token}") }), "");
    encoded["body"] = json!(STANDARD.encode(push("web")));
    encoded["isBase64Encoded"] = json!(true);
    assert_eq!(world.told(&encoded).await["statusCode"], 204);
    assert_eq!(world.keys().await, [["db"], ["web"]]);
}

#[tokio::test]
async fn nobody_but_google_for_one_account_and_audience_pushes() {
    let world = world().await;
    let other = Signer::generate().unwrap();
    for token in [
        String::new(),
        "a.b.c".to_owned(),
        signed(&other, &[]),
        world.token(&[("aud", json!("https://other.example.com"))]),
        world.token(&[("email", json!("other@shop.iam.gserviceaccount.com"))]),
        world.token(&[("email_verified", json!(false))]),
        world.token(&[("iss", json!("https://evil.example"))]),
        world.token(&[("exp", json!(NOW - 61))]),
    ] {
        assert_eq!(world.pushed(&token, &push("db")).await, 401, "{token}");
    }
    let unsigned = request("POST", "/v1/google/pubsub", &json!({}), &push("db"));
    assert_eq!(world.told(&unsigned).await["statusCode"], 401);
    assert!(world.keys().await.is_empty(), "nothing of it is told");
}

#[tokio::test]
async fn what_google_sends_for_ever_unless_it_is_told_success_is_told_so() {
    let world = world().await;
    let token = world.token(&[]);
    let rotate = push("db").replace("SECRET_VERSION_ADD", "SECRET_ROTATE");
    let unknown = push("db").replace("SECRET_VERSION_ADD", "SECRET_SOMETHING");
    for body in
        ["", "[", "hunter2", "{}", r#"{"message":{"data":"%"},"subscription":"s"}"#, &rotate, &unknown]
    {
        assert_eq!(world.pushed(&token, body).await, 204, "{body}");
    }
    assert!(world.keys().await.iter().all(Vec::is_empty));
}

#[tokio::test]
async fn what_did_not_reach_the_bus_is_to_be_sent_again() {
    let world = world().await;
    let token = world.token(&[]);
    world.refuse_once().await;
    let headers = json!({ "authorization": format!("Bearer {token}") });
    let event = request("POST", "/v1/google/pubsub", &headers, &push("db"));
    let answer = world.told(&event).await;
    assert_eq!((&answer["statusCode"], &answer["headers"]["retry-after"]), (&json!(503), &json!("5")));
    assert_eq!(world.told(&event).await["statusCode"], 204);
    world.refuse_once().await;
    let headers = json!({ "x-pawl-token": TOKEN });
    let event = request("POST", "/v1/azure/events", &headers, &grid().to_string());
    for want in [503, 200] {
        assert_eq!(world.told(&event).await["statusCode"], want);
    }
}

#[tokio::test]
async fn without_googles_keys_a_push_comes_again() {
    let world = world().await;
    let expected = pubsub::Expected { audience: AUDIENCE.to_owned(), account: ACCOUNT.to_owned() };
    let nowhere = config::PubSub { expected: Some(expected) };
    let pubsub = pubsub::Admission::with_keys_at(&format!("{}/gone", world.server.uri()), &nowhere);
    let site =
        Site::new(bus(&world.server), pubsub, event_grid::Admission::new(&config::EventGrid::default()));
    let headers = json!({ "authorization": format!("Bearer {}", world.token(&[])) });
    let event = request("POST", "/v1/google/pubsub", &headers, &push("db"));
    assert_eq!(handle(&site, event, now()).await.unwrap()["statusCode"], 503);
}

#[tokio::test]
async fn event_grid_is_answered_and_let_in_by_its_token() {
    let world = world().await;
    let (good, bad) = (json!({ "X-Pawl-Token": TOKEN }), json!({ "x-pawl-token": "0123" }));
    let question = json!([{
        "id": "1", "topic": "/t", "subject": "", "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "eventTime": "2026-11-22T10:00:00Z", "dataVersion": "1", "data": { "validationCode": "512d38b6" },
    }]);
    for (headers, body, want) in [
        (&json!({}), grid().to_string(), 401),
        (&bad, grid().to_string(), 401),
        (&good, "[".to_owned(), 400),
        (&good, "hunter2".to_owned(), 400),
        (&good, grid().to_string(), 200),
        (&good, question.to_string(), 200),
    ] {
        let answer = world.told(&request("POST", "/v1/azure/events", headers, &body)).await;
        assert_eq!(answer["statusCode"], want, "{body} {answer}");
    }
    assert_eq!(world.keys().await, [["db"]]);
    let answer = world.told(&request("POST", "/v1/azure/events", &good, &question.to_string())).await;
    assert_eq!(answer["body"], r#"{"validationResponse":"512d38b6"}"#);
    for (headers, want) in [
        (json!({ "webhook-request-origin": "eventgrid.azure.net" }), 200),
        (json!({ "webhook-request-origin": "evil.example" }), 405),
        (json!({}), 405),
        (json!({ "webhook-request-origin": "eventgrid.azure.net", "x-pawl-token": "0123" }), 401),
    ] {
        let answer = world.told(&request("OPTIONS", "/v1/azure/events", &headers, "")).await;
        assert_eq!(answer["statusCode"], want, "{headers} {answer}");
    }
}

/// Event Grid drops an event that it is told 401 of: one of which nothing can be said yet must come again.
#[tokio::test]
async fn event_grid_is_let_in_by_entra_id_and_comes_again_while_its_keys_cannot_be_had() {
    let world = world().await;
    let issuer = format!("{}/t/v2.0", world.server.uri());
    let entra = event_grid::Entra {
        authority: world.server.uri(),
        tenant: "t".to_owned(),
        audience: "api://pawl".to_owned(),
        senders: vec!["4962773b-9cdb-44cf-a8bf-237846a00ab7".to_owned()],
    };
    let told = async |verb: &str, audience: &str| {
        let claims = [("iss", json!(issuer)), ("aud", json!(audience)), ("azp", json!(entra.senders[0]))];
        let headers = json!({
            "authorization": format!("Bearer {}", world.token(&claims)),
            "webhook-request-origin": "eventgrid.azure.net",
        });
        let config = config::EventGrid { token: None, entra: Some(entra.clone()) };
        let closed = pubsub::Admission::new(&config::PubSub::default());
        let site = Site::new(bus(&world.server), closed, event_grid::Admission::new(&config));
        let event = request(verb, "/v1/azure/events", &headers, &grid().to_string());
        handle(&site, event, now()).await.unwrap()["statusCode"].clone()
    };
    for verb in ["POST", "OPTIONS"] {
        assert_eq!(told(verb, "api://pawl").await, 503, "{verb}");
    }
    assert!(world.keys().await.is_empty());
    let keys = ResponseTemplate::new(200).set_body_json(key_set(&world.google));
    Mock::given(method("GET"))
        .and(path("/t/discovery/v2.0/keys"))
        .respond_with(keys)
        .mount(&world.server)
        .await;
    for verb in ["POST", "OPTIONS"] {
        assert_eq!(told(verb, "api://pawl").await, 200, "{verb}");
        assert_eq!(told(verb, "api://other").await, 401, "{verb}");
    }
    assert_eq!(world.keys().await, [["db"]]);
}

#[tokio::test]
async fn who_is_not_configured_and_what_is_no_sender_is_turned_away() {
    let world = world().await;
    let closed = pubsub::Admission::new(&config::PubSub::default());
    let closed =
        Site::new(bus(&world.server), closed, event_grid::Admission::new(&config::EventGrid::default()));
    let headers = json!({ "authorization": format!("Bearer {}", world.token(&[])), "x-pawl-token": TOKEN });
    for (verb, path) in [
        ("POST", "/v1/google/pubsub"),
        ("POST", "/v1/azure/events"),
        ("OPTIONS", "/v1/azure/events"),
        ("GET", "/v1/google/pubsub"),
        ("POST", "/"),
        ("POST", "/v1/events"),
    ] {
        let answer = handle(&closed, request(verb, path, &headers, &push("db")), now()).await.unwrap();
        assert_eq!(answer["statusCode"], 404, "{verb} {path}");
    }
    for event in [json!({}), json!(null), json!({ "Records": [] })] {
        handle(&world.site, event, now()).await.unwrap_err();
    }
    assert!(world.keys().await.is_empty());
}

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn push(key: &str) -> String {
    let name = format!("projects/123456789012/secrets/{key}");
    let attributes = json!({
        "eventType": "SECRET_VERSION_ADD", "secretId": name, "versionId": format!("{name}/versions/4"),
        "timestamp": "2026-11-22T10:00:00Z", "dataFormat": "JSON_API_V1",
    });
    json!({
        "message": { "attributes": attributes, "messageId": "1", "publishTime": "2026-11-22T10:00:00Z" },
        "subscription": "projects/shop/subscriptions/pawl",
    })
    .to_string()
}

fn grid() -> Value {
    json!([{
        "id": "1", "topic": "/subscriptions/1/vaults/team", "subject": "db",
        "eventType": "Microsoft.KeyVault.SecretNewVersionCreated", "eventTime": "2026-11-22T10:00:00Z",
        "dataVersion": "1", "metadataVersion": "1",
        "data": {
            "Id": "https://team.vault.azure.net/secrets/db/0123456789abcdef0123456789abcdef",
            "VaultName": "team", "ObjectType": "Secret", "ObjectName": "db",
            "Version": "0123456789abcdef0123456789abcdef",
        },
    }])
}

fn request(verb: &str, path: &str, headers: &Value, body: &str) -> Value {
    json!({
        "version": "2.0", "rawPath": path, "headers": headers, "body": body, "isBase64Encoded": false,
        "requestContext": { "http": { "method": verb, "path": path } },
    })
}

fn details(request: &Request) -> Vec<Value> {
    let Ok(body) = serde_json::from_slice::<Value>(&request.body) else { return Vec::new() };
    let detail = |entry: &Value| serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
    body["Entries"].as_array().unwrap().iter().map(detail).collect()
}

fn key_set(signer: &Signer) -> Value {
    json!({ "keys": [signer.key("one")] })
}

fn signed(signer: &Signer, edits: &[(&str, Value)]) -> String {
    let mut claims = json!({
        "iss": "https://accounts.google.com", "aud": AUDIENCE, "email": ACCOUNT, "email_verified": true,
        "sub": "113774264463038321964", "iat": NOW - 10, "exp": NOW + 3590,
    });
    for (name, value) in edits {
        claims[*name] = value.clone();
    }
    signer.token(&json!({ "alg": "RS256", "kid": "one" }), &claims).unwrap()
}
