//! The generator ACRAccessToken, on the double's Entra ID and a scripted registry.

use super::{World, world};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pawl_domain::generator::AcrGenerator;
use pawl_domain::store::{AzureAuth, AzureKvStore, Backend};
use pawl_domain::{Access, Generator, GeneratorKind, Kind, Step};
use pawl_ports::{Error, Generation, Generators};
use pawl_servers::azurekv::{CLIENT, Proof, SECRET, TENANT};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

struct Acr {
    world: World,
    registry: MockServer,
}

/// When the registry's tokens end.
const END: i64 = 1_900_000_000;

fn jwt(kind: &str) -> String {
    let claims = json!({ "exp": END, "kind": kind }).to_string();
    format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims))
}

async fn acr(scope: Option<&str>, edit: impl FnOnce(&mut AzureKvStore)) -> Acr {
    let (world, registry) = (world(|_| {}).await, MockServer::start().await);
    world.vault.want("https://management.azure.com");
    for (path, member) in [("exchange", "refresh_token"), ("token", "access_token")] {
        let answer = ResponseTemplate::new(200).set_body_json(json!({ member: jwt(member) }));
        let asked = Mock::given(matchers::method("POST")).and(matchers::path(format!("/oauth2/{path}")));
        asked.respond_with(answer).with_priority(9).mount(&registry).await;
    }
    let mut server: AzureKvStore = world.access.backend.as_azurekv().unwrap().clone();
    server.vault_url = registry.uri();
    edit(&mut server);
    let spec = AcrGenerator {
        server,
        registry: "team.azurecr.io".to_owned(),
        tenant: TENANT.to_owned(),
        scope: scope.map(str::to_owned),
    };
    let backend: Backend = Generator::Acr(Box::new(spec)).into();
    let world = World { access: Access { backend, ..world.access.clone() }, ..world };
    Acr { world, registry }
}

impl Acr {
    async fn made(&self) -> Result<Generation, Error> {
        self.world.sources.generate(&self.world.access).await
    }

    /// What the registry was asked, as path and form.
    async fn asked(&self) -> Vec<(String, BTreeMap<String, String>)> {
        let form = |body: &[u8]| url::form_urlencoded::parse(body).into_owned().collect();
        let asked = self.registry.received_requests().await.unwrap();
        asked.iter().map(|asked| (asked.url.path().to_owned(), form(&asked.body))).collect()
    }

    async fn answers(&self, path: &str, status: u16, body: &str) {
        let answer = ResponseTemplate::new(status).set_body_raw(body, "application/json");
        let asked = Mock::given(matchers::path(format!("/oauth2/{path}")));
        asked.respond_with(answer).with_priority(1).mount(&self.registry).await;
    }
}

fn text(generation: &Generation, key: &str) -> String {
    generation.values[key].expose_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_registry_trades_the_identitys_token_for_its_refresh_token() {
    let acr = acr(None, |_| {}).await;
    assert_eq!(acr.world.sources.kinds(), [GeneratorKind::AcrAccessToken]);
    let made = acr.made().await.unwrap();
    assert_eq!(text(&made, "username"), "00000000-0000-0000-0000-000000000000");
    assert_eq!((text(&made, "password"), made.values.len()), (jwt("refresh_token"), 2));
    assert_eq!(made.expires.map(|end| end.as_second()), Some(END));
    let [(path, form)] = &acr.asked().await[..] else { panic!("one call") };
    assert_eq!(path, "/oauth2/exchange");
    let told: Vec<_> = ["grant_type", "service", "tenant"].iter().map(|name| form[*name].as_str()).collect();
    assert_eq!(told, ["access_token", "team.azurecr.io", TENANT]);
    assert!(!form["access_token"].is_empty());
}

#[tokio::test]
async fn with_a_scope_the_refresh_token_is_traded_for_an_access_token() {
    let acr = acr(Some("repository:app:pull"), |_| {}).await;
    let made = acr.made().await.unwrap();
    assert_eq!(text(&made, "password"), jwt("access_token"));
    let asked = acr.asked().await;
    let (path, form) = &asked[1];
    assert_eq!(path, "/oauth2/token");
    let told = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &jwt("refresh_token")),
        ("scope", "repository:app:pull"),
        ("service", "team.azurecr.io"),
    ];
    assert_eq!(*form, told.map(|(name, text)| (name.to_owned(), text.to_owned())).into());
}

#[tokio::test]
async fn a_line_break_behind_client_and_secret_is_passed_over() {
    let acr = acr(None, |_| {}).await;
    acr.world.clusters.edit("blue/shop/azure", |secret| {
        secret.set("id", &format!("{CLIENT}\n"));
        secret.set("secret", &format!("{SECRET}\n"));
    });
    acr.made().await.unwrap();
}

#[tokio::test]
async fn a_service_account_asks_for_the_other_name_of_the_same_service() {
    let acr = acr(None, |server| {
        server.auth = AzureAuth::ServiceAccount {
            name: "puller".parse().unwrap(),
            namespace: None,
            audiences: Vec::new(),
            client_id: None,
            tenant_ref: None,
            tenant: None,
        };
    })
    .await;
    let error = acr.made().await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Invalid), "no such account: {error}");
    let annotations =
        [("azure.workload.identity/client-id", CLIENT), ("azure.workload.identity/tenant-id", TENANT)];
    acr.world.clusters.add_service_account("blue/shop/puller", &annotations);
    let token = "token blue/shop/puller for api://AzureADTokenExchange";
    acr.world.vault.rely_on(Proof::Federated(token.to_owned()));
    assert_eq!(acr.made().await.unwrap_err().kind, Kind::Denied, "it is another resource");
    acr.world.vault.want("https://management.core.windows.net");
    acr.made().await.unwrap();
}

#[tokio::test]
async fn refusals_and_other_answers_are_errors_that_say_no_value() {
    let other = json!({ "access_token": "canary" }).to_string();
    for (path, status, body, told) in [
        ("exchange", 401, "canary", (Step::Authenticate, Kind::Denied)),
        ("exchange", 403, "canary", (Step::Fetch, Kind::Denied)),
        ("exchange", 404, "canary", (Step::Fetch, Kind::Invalid)),
        ("exchange", 400, "canary", (Step::Fetch, Kind::Invalid)),
        ("exchange", 429, "canary", (Step::Fetch, Kind::Throttled)),
        ("exchange", 503, "canary", (Step::Fetch, Kind::Transient)),
        ("exchange", 200, "<html>canary", (Step::Fetch, Kind::Transient)),
        ("exchange", 200, other.as_str(), (Step::Fetch, Kind::Transient)),
        ("exchange", 200, r#"{"refresh_token":""}"#, (Step::Fetch, Kind::Transient)),
        ("token", 403, "canary", (Step::Fetch, Kind::Denied)),
        ("token", 200, r#"{"refresh_token":"canary"}"#, (Step::Fetch, Kind::Transient)),
    ] {
        let acr = acr(Some("repository:app:pull"), |_| {}).await;
        acr.answers(path, status, body).await;
        let error = acr.made().await.unwrap_err();
        assert_eq!((error.step, error.kind), told, "{path} {status} {body}: {error}");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("canary") && !shown.contains(SECRET), "{shown}");
        let last = acr.asked().await.pop().unwrap();
        assert_eq!(last.0, format!("/oauth2/{path}"), "nothing more is asked");
    }
    let acr = acr(None, |_| {}).await;
    acr.world.clusters.edit("blue/shop/azure", |secret| secret.set("secret", "canary"));
    let error = acr.made().await.unwrap_err();
    assert_eq!(error.kind, Kind::Denied);
    assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    assert!(acr.asked().await.is_empty(), "the registry sees no identity that was refused");
}

#[tokio::test]
async fn a_token_that_does_not_tell_its_end_is_taken_all_the_same() {
    let acr = acr(None, |_| {}).await;
    let opaque: Value = json!({ "refresh_token": "opaque" });
    acr.answers("exchange", 200, &opaque.to_string()).await;
    let made = acr.made().await.unwrap();
    assert_eq!((text(&made, "password").as_str(), made.expires), ("opaque", None));
}
