//! Tokens that AWS makes: who signs for them, what comes of the answer, and what refusals mean.

use crate::stores::support::{FakeCluster, HandClock, name, sources_of};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pawl_domain::generator::{AwsIdentitySpec, EcrGenerator, StsGenerator};
use pawl_domain::store::{AwsAuth, SecretKeyRef};
use pawl_domain::{Access, Generator, Grant, Kind, Step};
use pawl_ports::{Generation, Generators};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const MIDNIGHT: &str = "2030-01-01T00:00:00Z";

fn access(generator: Generator) -> Access {
    let (cluster, namespace) = (Some(name("blue")), Some(name("shop")));
    Access { backend: generator.into(), cluster, namespace, tags: None, grant: Grant::default() }
}

fn identity(auth: AwsAuth) -> AwsIdentitySpec {
    AwsIdentitySpec { region: "eu-central-1".to_owned(), auth, role: None }
}

fn keys() -> AwsAuth {
    let at = |key: &str| SecretKeyRef { name: name("aws"), key: key.to_owned(), namespace: None };
    AwsAuth::Static { access_key_id: at("id"), secret_access_key: at("secret"), session_token: None }
}

fn cluster() -> Arc<FakeCluster> {
    let cluster = FakeCluster::default().with_secret("shop/aws/id", &["KEY"]);
    Arc::new(cluster.with_secret("shop/aws/secret", &["hidden"]))
}

fn texts(generation: &Generation) -> BTreeMap<String, String> {
    let text = |(key, value): (&String, &pawl_domain::SecretValue)| {
        (key.clone(), value.expose_str().unwrap().to_owned())
    };
    generation.values.iter().map(text).collect()
}

async fn answering(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(|_: &Request| true).respond_with(answer).mount(&server).await;
    server
}

/// What a request says, in the headers that AWS looks at.
fn said(request: &Request) -> (String, String) {
    let header = |name: &str| request.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let signed = header("authorization").unwrap_or_default();
    let scope = signed.split(['=', ',']).nth(1).unwrap_or_default().to_owned();
    (header("x-amz-target").unwrap_or_default(), scope)
}

fn private() -> Value {
    let token = STANDARD.encode("AWS:registry-password");
    json!({ "authorizationData": [{
        "authorizationToken": token,
        "expiresAt": 1_893_499_200.123,
        "proxyEndpoint": "https://123456789012.dkr.ecr.eu-central-1.amazonaws.com",
    }] })
}

#[tokio::test]
async fn registries_give_a_password_to_who_signs() {
    for (auth, signer) in [(AwsAuth::Ambient, "OWN"), (keys(), "KEY")] {
        let server = answering(ResponseTemplate::new(200).set_body_json(private())).await;
        let sources = sources_of(&server.uri(), cluster(), HandClock::at(MIDNIGHT));
        let ecr = Generator::Ecr(EcrGenerator { identity: identity(auth), public: false });
        let made = sources.generate(&access(ecr)).await.unwrap();
        let wanted = [
            ("expires_at", "1893499200"),
            ("password", "registry-password"),
            ("proxy_endpoint", "https://123456789012.dkr.ecr.eu-central-1.amazonaws.com"),
            ("username", "AWS"),
        ];
        assert_eq!(texts(&made), wanted.map(|(key, text)| (key.to_owned(), text.to_owned())).into());
        assert_eq!(made.expires.unwrap().as_second(), 1_893_499_200);
        let requests = server.received_requests().await.unwrap();
        let (target, scope) = said(&requests[0]);
        assert_eq!(target, "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken");
        assert_eq!(scope, format!("{signer}/20300101/eu-central-1/ecr/aws4_request"));
        assert_eq!(requests[0].body, b"{}");
    }
}

#[tokio::test]
async fn public_registries_have_a_service_of_their_own() {
    let token = STANDARD.encode("AWS:public-password");
    let answer = json!({ "authorizationData": { "authorizationToken": token, "expiresAt": 1_893_499_200 } });
    let server = answering(ResponseTemplate::new(200).set_body_json(answer)).await;
    let sources = sources_of(&server.uri(), cluster(), HandClock::at(MIDNIGHT));
    let us = AwsIdentitySpec { region: "us-east-1".to_owned(), ..identity(keys()) };
    let ecr = Generator::Ecr(EcrGenerator { identity: us, public: true });
    let made = sources.generate(&access(ecr)).await.unwrap();
    assert_eq!(made.values.keys().collect::<Vec<_>>(), ["expires_at", "password", "username"]);
    let (target, scope) = said(&server.received_requests().await.unwrap()[0]);
    assert_eq!(target, "SpencerFrontendService.GetAuthorizationToken");
    assert_eq!(scope, "KEY/20300101/us-east-1/ecr-public/aws4_request");
}

#[tokio::test]
async fn refusals_are_told_apart_and_not_quoted() {
    for (status, answer, step, kind) in [
        (
            400,
            json!({ "__type": "AccessDeniedException", "message": "secret-words" }),
            Step::Fetch,
            Kind::Denied,
        ),
        (
            400,
            json!({ "__type": "com.amazonaws.ecr#UnrecognizedClientException", "message": "secret-words" }),
            Step::Authenticate,
            Kind::Denied,
        ),
        (400, json!({ "__type": "ExpiredTokenException" }), Step::Authenticate, Kind::Denied),
        (400, json!({ "__type": "InvalidParameterException" }), Step::Fetch, Kind::Invalid),
        (200, json!({ "authorizationData": [] }), Step::Fetch, Kind::Transient),
        (
            200,
            json!({ "authorizationData": [{ "authorizationToken": "%", "expiresAt": 1 }] }),
            Step::Fetch,
            Kind::Transient,
        ),
        (200, json!("secret-words"), Step::Fetch, Kind::Transient),
    ] {
        let server = answering(ResponseTemplate::new(status).set_body_json(&answer)).await;
        let sources = sources_of(&server.uri(), cluster(), HandClock::at(MIDNIGHT));
        let ecr = Generator::Ecr(EcrGenerator { identity: identity(keys()), public: false });
        let error = sources.generate(&access(ecr)).await.unwrap_err();
        assert_eq!((error.step, error.kind), (step, kind), "{answer}: {error}");
        assert!(!format!("{error:?}").contains("secret-words"), "{error:?}");
    }
}

#[tokio::test]
async fn a_session_is_given_to_keys() {
    let answer = "<GetSessionTokenResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetSessionTokenResult>\
        <Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
        <SessionToken>t</SessionToken><Expiration>2030-01-01T01:00:00Z</Expiration></Credentials>\
        </GetSessionTokenResult></GetSessionTokenResponse>";
    let server = answering(ResponseTemplate::new(200).set_body_raw(answer, "text/xml")).await;
    let sources = sources_of(&server.uri(), cluster(), HandClock::at(MIDNIGHT));
    let sts = Generator::Sts(StsGenerator {
        identity: identity(keys()),
        seconds: Some(3600),
        serial_number: Some("arn:aws:iam::123456789012:mfa/me".to_owned()),
        token_code: Some("123456".to_owned()),
    });
    let made = sources.generate(&access(sts)).await.unwrap();
    let wanted = [
        ("access_key_id", "ASIA"),
        ("expiration", "1893459600"),
        ("secret_access_key", "s"),
        ("session_token", "t"),
    ];
    assert_eq!(texts(&made), wanted.map(|(key, text)| (key.to_owned(), text.to_owned())).into());
    assert_eq!(made.expires, Some("2030-01-01T01:00:00Z".parse().unwrap()));
    let requests = server.received_requests().await.unwrap();
    let body = String::from_utf8(requests[0].body.clone()).unwrap();
    for part in ["Action=GetSessionToken", "DurationSeconds=3600", "TokenCode=123456", "mfa%2Fme"] {
        assert!(body.contains(part), "{part} is not in {body}");
    }
    assert!(said(&requests[0]).1.starts_with("KEY/"), "{:?}", said(&requests[0]));
}

#[tokio::test]
async fn a_secret_with_keys_that_is_missing_says_nothing_of_what_is_made() {
    let server = answering(ResponseTemplate::new(500)).await;
    let sources = sources_of(&server.uri(), Arc::default(), HandClock::at(MIDNIGHT));
    let ecr = Generator::Ecr(EcrGenerator { identity: identity(keys()), public: false });
    let error = sources.generate(&access(ecr)).await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Invalid));
    assert_eq!(server.received_requests().await.unwrap().len(), 0);
}
