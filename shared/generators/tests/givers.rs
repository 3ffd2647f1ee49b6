//! The generators that ask a server for a token, on doubles that take what the real ones take, and nothing else.
#![expect(clippy::unwrap_used, reason = "a test whose double does not start has failed")]

use crate::own::{At, access, generators};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use pawl_domain::generator::{CloudsmithGenerator, GithubGenerator, QuayGenerator, ShownAccount};
use pawl_domain::store::SecretKeyRef;
use pawl_domain::{Generator, Kind, Step};
use pawl_ports::{Error, Generation, Generators, Ports};
use pawl_world::{Canary, World, cluster};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

const NOW: i64 = 1_800_000_000;

fn world() -> World {
    let world = World::new();
    world.add_cluster(cluster("blue"));
    world.clusters().ensure_namespace(&"blue".parse().unwrap(), &"shop".parse().unwrap());
    world.clusters().add_service_account("blue/shop/robot", &[]);
    world
}

async fn made(world: &World, generator: Generator) -> Result<Generation, Error> {
    generators(world, At(NOW)).generate(&access(generator)).await
}

fn texts(generation: &Generation) -> BTreeMap<String, String> {
    let text = |(key, value): (&String, &pawl_domain::SecretValue)| {
        (key.clone(), value.expose_str().unwrap().to_owned())
    };
    generation.values.iter().map(text).collect()
}

fn jwt(claims: &Value) -> String {
    format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

fn account() -> ShownAccount {
    ShownAccount { name: "robot".parse().unwrap(), audiences: vec!["registry".to_owned()] }
}

/// GitHub's API, as far as installations are concerned: it knows one App by its key.
struct GitHub {
    key: Vec<u8>,
    token: String,
}

impl Respond for GitHub {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let header =
            |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let refused = |status, message: &str| {
            ResponseTemplate::new(status).set_body_json(json!({ "message": message, "leak": self.token }))
        };
        if header("user-agent").is_empty() {
            return refused(403, "Request forbidden by administrative rules");
        }
        let Some(token) = header("authorization").strip_prefix("Bearer ") else {
            return refused(401, "Requires authentication");
        };
        let (signed, signature) = token.rsplit_once('.').unwrap_or_default();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.key);
        if key.verify(signed.as_bytes(), &signature).is_err() {
            return refused(401, "A JSON web token could not be decoded");
        }
        let parts: Vec<Value> = signed
            .split('.')
            .map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap())
            .collect();
        let (head, claims) = (&parts[0], &parts[1]);
        let (iat, exp) =
            (claims["iat"].as_i64().unwrap_or_default(), claims["exp"].as_i64().unwrap_or_default());
        if claims["iss"] != "12" || head["alg"] != "RS256" || iat > NOW || exp <= NOW || exp - iat > 600 {
            return refused(401, "'Issued at' claim must be an Integer representing the time");
        }
        if request.url.path() != "/api/v3/app/installations/34/access_tokens" || request.method != "POST" {
            return refused(404, "Not Found");
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        if body["repositories"].as_array().is_some_and(|all| all.iter().any(|one| one != "shop")) {
            return refused(422, "There is at least one repository that does not exist");
        }
        ResponseTemplate::new(201).set_body_json(json!({
            "token": format!("{}/{}", self.token, body["permissions"]["contents"].as_str().unwrap_or("all")),
            "expires_at": "2027-01-15T09:00:00Z",
            "permissions": { "contents": "read" },
        }))
    }
}

#[tokio::test]
async fn github_gives_a_token_to_who_signs_with_the_apps_key() {
    let canary = Canary::new();
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let pem = pawl_pki::pem::encode("PRIVATE KEY", der.as_ref());
    let pem = String::from_utf8(pem.to_vec()).unwrap();
    let server = MockServer::start().await;
    let key = pair.public_key().as_ref().to_vec();
    Mock::given(|_: &Request| true)
        .respond_with(GitHub { key, token: canary.value().to_owned() })
        .mount(&server)
        .await;
    let world = world();
    world.clusters().edit("blue/shop/app", |secret| {
        secret.set("key", &pem);
        secret.set("none", "-----BEGIN NOTHING");
    });
    let spec = |install: &str, key: &str| GithubGenerator {
        url: format!("{}/api/v3", server.uri()),
        app_id: "12".to_owned(),
        install_id: install.to_owned(),
        private_key: SecretKeyRef { name: "app".parse().unwrap(), key: key.to_owned(), namespace: None },
        repositories: Vec::new(),
        permissions: BTreeMap::new(),
    };
    let whole = made(&world, Generator::Github(spec("34", "key"))).await.unwrap();
    assert_eq!(texts(&whole)["token"], format!("{}/all", canary.value()));
    assert_eq!(whole.expires, Some("2027-01-15T09:00:00Z".parse().unwrap()));
    let limited = GithubGenerator {
        repositories: vec!["shop".to_owned()],
        permissions: [("contents".to_owned(), "read".to_owned())].into(),
        ..spec("34", "key")
    };
    let limited = made(&world, Generator::Github(limited)).await.unwrap();
    assert_eq!(texts(&limited)["token"], format!("{}/read", canary.value()));

    let unknown = GithubGenerator { repositories: vec!["other".to_owned()], ..spec("34", "key") };
    let stranger = GithubGenerator { app_id: "13".to_owned(), ..spec("34", "key") };
    for (spec, step, kind) in [
        (spec("35", "key"), Step::Fetch, Kind::Invalid),
        (spec("34", "none"), Step::Authenticate, Kind::Invalid),
        (spec("34", "missing"), Step::Authenticate, Kind::Invalid),
        (unknown, Step::Fetch, Kind::Invalid),
        (stranger, Step::Authenticate, Kind::Denied),
    ] {
        let error = made(&world, Generator::Github(spec)).await.unwrap_err();
        assert_eq!((error.step, error.kind), (step, kind), "{error}");
        canary.assert_absent_from("the error", &format!("{error} {error:?}"));
    }
}

/// What trades a service account's token for one of its own, by one rule.
struct Trader {
    takes: fn(&Request) -> bool,
    status: u16,
    answer: Value,
}

impl Respond for Trader {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        match (self.takes)(request) {
            true => ResponseTemplate::new(self.status).set_body_json(&self.answer),
            false => ResponseTemplate::new(401).set_body_json(json!({ "detail": "no" })),
        }
    }
}

async fn trader(takes: fn(&Request) -> bool, status: u16, answer: Value) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(|_: &Request| true).respond_with(Trader { takes, status, answer }).mount(&server).await;
    server
}

fn is_cloudsmith(request: &Request) -> bool {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    request.method == "POST"
        && request.url.path() == "/openid/acme/"
        && request.headers.get("content-type").is_some_and(|kind| kind == "application/json")
        && body == json!({ "oidc_token": "token blue/shop/robot for registry", "service_slug": "ci" })
}

fn is_quay(request: &Request) -> bool {
    let basic = format!("Basic {}", STANDARD.encode("acme+ci:token blue/shop/robot for registry"));
    request.method == "GET"
        && request.url.path() == "/oauth2/federation/robot/token"
        && request.headers.get("authorization").is_some_and(|shown| *shown == basic)
}

#[tokio::test]
async fn cloudsmith_and_quay_trade_the_accounts_token() {
    let world = world();
    let token = jwt(&json!({ "exp": 1_800_003_600 }));
    let server = trader(is_cloudsmith, 201, json!({ "token": token })).await;
    let cloudsmith = |url: String, service: &str| {
        let (organization, service) = ("acme".to_owned(), service.to_owned());
        Generator::Cloudsmith(CloudsmithGenerator { url, organization, service, account: account() })
    };
    let given = made(&world, cloudsmith(server.uri(), "ci")).await.unwrap();
    let wanted = [("auth", STANDARD.encode(format!("token:{token}"))), ("expiry", "1800003600".to_owned())];
    assert_eq!(texts(&given), wanted.map(|(key, text)| (key.to_owned(), text)).into());
    assert_eq!(given.expires.unwrap().as_second(), 1_800_003_600);
    let refused = made(&world, cloudsmith(server.uri(), "other")).await.unwrap_err();
    assert_eq!((refused.step, refused.kind), (Step::Authenticate, Kind::Denied));

    let server = trader(is_quay, 200, json!({ "token": token })).await;
    let quay = |url: String, robot: &str| {
        Generator::Quay(QuayGenerator { url, robot: robot.to_owned(), account: account() })
    };
    let given = made(&world, quay(server.uri(), "acme+ci")).await.unwrap();
    let wanted = [
        ("auth", STANDARD.encode(format!("acme+ci:{token}"))),
        ("expiry", "1800003600".to_owned()),
        ("registry", server.address().to_string()),
    ];
    assert_eq!(texts(&given), wanted.map(|(key, text)| (key.to_owned(), text)).into());
    let refused = made(&world, quay(server.uri(), "acme+other")).await.unwrap_err();
    assert_eq!((refused.step, refused.kind), (Step::Authenticate, Kind::Denied));
}

#[tokio::test]
async fn answers_that_are_none_are_errors_that_quote_nothing() {
    let world = world();
    let canary = Canary::new();
    let token = |claims: Value| json!({ "token": jwt(&claims), "seen": canary.value() });
    for (status, answer, kind) in [
        (200, token(json!({ "exp": 1_800_003_600 })), Kind::Transient),
        (201, json!({ "seen": canary.value() }), Kind::Transient),
        (201, json!({ "token": canary.value() }), Kind::Transient),
        (201, token(json!({})), Kind::Transient),
        (403, token(json!({})), Kind::Denied),
        (404, token(json!({})), Kind::Invalid),
        (429, token(json!({})), Kind::Throttled),
        (500, token(json!({})), Kind::Transient),
    ] {
        let server = trader(is_cloudsmith, status, answer).await;
        let spec = CloudsmithGenerator {
            url: server.uri(),
            organization: "acme".to_owned(),
            service: "ci".to_owned(),
            account: account(),
        };
        let error = made(&world, Generator::Cloudsmith(spec)).await.unwrap_err();
        assert_eq!(error.kind, kind, "{status}: {error}");
        canary.assert_absent_from("the error", &format!("{error} {error:?}"));
        assert_eq!(server.received_requests().await.unwrap().len(), 1, "one token at most is made");
    }
    let plain =
        QuayGenerator { url: "http://192.0.2.1".to_owned(), robot: "r".to_owned(), account: account() };
    let error = made(&world, Generator::Quay(plain)).await.unwrap_err();
    assert_eq!(error.kind, Kind::Invalid, "a token would travel readable: {error}");
}
