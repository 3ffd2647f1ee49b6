//! How identities are proven.

use super::{World, at, by_key, current, told, world};
use pawl_domain::grant::Reach;
use pawl_domain::store::{GcpAuth, GcpCluster, GcpFederation, GcpServiceAccount, GcpSubject};
use pawl_domain::{Complaint, Grant, Kind, Step};
use pawl_ports::{Error, Sources};
use pawl_servers::gcpsm::ACCOUNT;
use serde_json::{Value, json};
use std::time::Duration;

const AUDIENCE: &str = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q";
const OTHER: &str = "other@shop.iam.gserviceaccount.com";

async fn refused(world: &World) -> Error {
    let error = world.sources.validate(&world.access).await.unwrap_err();
    assert_eq!(error.step, Step::Authenticate, "{error}");
    assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    error
}

fn account(audiences: &[&str]) -> GcpServiceAccount {
    let audiences = audiences.iter().map(|&audience| audience.to_owned()).collect();
    GcpServiceAccount { name: "reader".parse().unwrap(), namespace: None, audiences }
}

fn of_cluster(audiences: &[&str]) -> GcpAuth {
    let cluster = GcpCluster {
        project: "clusters".to_owned(),
        location: "europe-west3".to_owned(),
        name: "blue".to_owned(),
    };
    GcpAuth::WorkloadIdentity { account: account(audiences), cluster }
}

fn federation(subject: GcpSubject, edit: impl FnOnce(&mut GcpFederation)) -> GcpAuth {
    let audience = Some(AUDIENCE.to_owned());
    let mut federation = GcpFederation { subject, audience, token_endpoint: None, service_account: None };
    edit(&mut federation);
    GcpAuth::Federation(federation)
}

async fn reads(world: &World) -> String {
    world.google.add(None, "db", b"x");
    told(&world.sources.fetch(&world.access, &[current("db")]).await[0])
}

#[tokio::test]
async fn a_key_signs_a_statement_that_is_traded_for_a_token() {
    let world = world(|_| {}).await;
    assert_eq!(reads(&world).await, "x");
    let statement = &world.google.shown()["token"];
    assert_eq!((statement["iss"].as_str(), statement["sub"].as_str()), (Some(ACCOUNT), None));
    let logins = |asked: Vec<String>| asked.iter().filter(|asked| asked.ends_with("/token")).count();
    assert_eq!(logins(world.google.asked()), 1);
    world.read("db").await;
    assert_eq!(logins(world.google.asked()), 0, "the token is kept");
    world.clock.advance(Duration::from_secs(901));
    world.read("db").await;
    assert_eq!(logins(world.google.asked()), 1, "for a quarter of an hour");
}

#[tokio::test]
async fn a_refused_token_is_had_anew_and_a_new_key_is_found() {
    let world = world(|_| {}).await;
    assert_eq!(reads(&world).await, "x");
    world.google.forget_tokens();
    assert_eq!(world.read("db").await, "denied", "it was proven a moment ago");
    world.clock.advance(Duration::from_secs(5));
    assert_eq!(world.read("db").await, "x");

    world.google.rotate();
    world.clock.advance(Duration::from_secs(6));
    let error = world.fetch(current("db")).await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Denied));
    assert!(error.message().contains("the key was refused"), "{error}");
    let key = world.google.key_file().to_string();
    world.clusters.edit("blue/shop/gcp", |secret| secret.set("key.json", &key));
    world.clock.advance(Duration::from_secs(6));
    assert_eq!(world.read("db").await, "x");
}

#[tokio::test]
async fn keys_that_cannot_be_used_are_told_apart_and_never_quoted() {
    let world = world(|_| {}).await;
    let file = world.google.key_file();
    let with = |name: &str, value: Value| {
        let mut file = file.clone();
        file[name] = value;
        file.to_string()
    };
    for (file, said) in [
        ("canary".to_owned(), "no service account key in JSON"),
        (with("type", json!("authorized_user")), "its type is not service_account"),
        (with("private_key", json!("canary")), "its private_key is not PEM"),
        (with("token_uri", json!("https://canary.evil.example/token")), "token_uri is none of Google's"),
        (with("token_uri", json!("http://169.254.169.254/token")), "token_uri is none of Google's"),
    ] {
        world.clusters.edit("blue/shop/gcp", |secret| secret.set("key.json", &file));
        world.clock.advance(Duration::from_secs(6));
        let error = refused(&world).await;
        assert_eq!(error.kind, Kind::Invalid);
        assert!(error.message().contains(said), "{error}");
    }
    assert_eq!(world.google.asked(), Vec::<String>::new(), "nobody was shown anything");
    let gone = world.proven_by(GcpAuth::Key(at("none", "key.json")));
    assert_eq!(refused(&gone).await.kind, Kind::Invalid, "a missing Secret says nothing about keys");
}

#[tokio::test]
async fn a_service_account_of_a_cluster_of_googles_is_one_of_the_clusters_pool() {
    let pool = "identitynamespace:clusters.svc.id.goog:\
                https://container.googleapis.com/v1/projects/clusters/locations/europe-west3/clusters/blue";
    let world = world(|store| store.auth = of_cluster(&["more"])).await;
    world.clusters.add_service_account("blue/shop/reader", &[]);
    assert_eq!(refused(&world).await.kind, Kind::Denied);
    world.google.trust(pool, "token blue/shop/reader for clusters.svc.id.goog,more");
    world.clock.advance(Duration::from_secs(6));
    assert_eq!(reads(&world).await, "x");
    assert!(!world.google.shown().contains_key("generate"), "it stands for itself");

    let standing = world.proven_by(of_cluster(&["more", "other"]));
    standing.google.trust(pool, "token blue/shop/reader for clusters.svc.id.goog,more,other");
    standing.clusters.add_service_account("blue/shop/reader", &[("iam.gke.io/gcp-service-account", OTHER)]);
    let error = refused(&standing).await;
    assert!(error.message().contains("roles/iam.workloadIdentityUser"), "{error}");
    standing.google.may_be(OTHER);
    standing.clock.advance(Duration::from_secs(6));
    assert_eq!(reads(&standing).await, "x");
    assert_eq!(standing.google.shown()["generate"], json!({ "email": OTHER, "lifetime": null }));
}

#[tokio::test]
async fn a_service_account_of_any_cluster_is_federated() {
    for (audiences, edit, annotated, trusted, stands_for) in [
        (&["sts"][..], None, None, "sts", None),
        // Never a token that the cluster's own API server takes.
        (&[], None, None, AUDIENCE, None),
        (&["sts"], None, Some(OTHER), "sts", Some(OTHER)),
        (&["sts"], Some(ACCOUNT), Some(OTHER), "sts", Some(ACCOUNT)),
    ] {
        let subject = GcpSubject::ServiceAccount(account(audiences));
        let auth = federation(subject, |federation| federation.service_account = edit.map(str::to_owned));
        let world = world(|store| store.auth = auth).await;
        let annotations = annotated.map(|email| [("iam.gke.io/gcp-service-account", email)]);
        let annotations = annotations.as_ref().map(|some| &some[..]).unwrap_or_default();
        world.clusters.add_service_account("blue/shop/reader", annotations);
        world.google.trust(AUDIENCE, &format!("token blue/shop/reader for {trusted}"));
        [ACCOUNT, OTHER].iter().for_each(|email| world.google.may_be(email));
        assert_eq!(reads(&world).await, "x", "{audiences:?}");
        let shown = world.google.shown();
        assert_eq!(shown.get("generate").and_then(|told| told["email"].as_str()), stands_for);
    }
}

#[tokio::test]
async fn keys_of_aws_sign_a_question_for_google() {
    let subject = || GcpSubject::Aws {
        region: "eu-central-1".to_owned(),
        secret: "aws".parse().unwrap(),
        namespace: None,
    };
    for (session, who) in
        [(None, "AWS4 AKIA"), (Some(""), "AWS4 AKIA"), (Some("t"), "AWS4 AKIA in a session")]
    {
        let world = world(|store| store.auth = federation(subject(), |_| {})).await;
        world.clusters.edit("blue/shop/aws", |secret| {
            secret.set("aws_access_key_id", "AKIA");
            secret.set("aws_secret_access_key", "canary");
            if let Some(token) = session {
                secret.set("aws_session_token", token);
            }
        });
        world.google.trust(AUDIENCE, who);
        assert_eq!(reads(&world).await, "x", "{session:?}");
        assert_eq!(world.google.shown()["exchange"]["audience"], AUDIENCE);
    }
}

#[tokio::test]
async fn a_configuration_names_where_tokens_are_had() {
    let world = world(|_| {}).await;
    let subject_url = format!("{}/subject", world.google.address());
    let config = |edit: fn(&mut Value)| {
        let mut config = json!({
            "type": "external_account", "audience": AUDIENCE,
            "credential_source": { "url": subject_url },
        });
        edit(&mut config);
        config.to_string()
    };
    let put = |world: &World, text: String| {
        let data = [("config.json", text.as_str())];
        let (cluster, namespace) = (super::cluster_name("blue"), super::namespace("shop"));
        world.clusters.set_config_map(&cluster, &namespace, &"gcp".parse().unwrap(), &data);
    };
    let endpoint = subject_url.clone();
    let world = world.proven_by(federation(GcpSubject::Configured(at("gcp", "config.json")), |federation| {
        federation.audience = None;
        federation.token_endpoint = Some(endpoint);
    }));
    world.google.trust(AUDIENCE, "subject-text");
    world.google.trust(AUDIENCE, "subject-json");
    put(&world, config(|_| {}));
    assert_eq!(reads(&world).await, "x");
    assert_eq!(world.google.shown()["exchange"]["subject"], "subject-text");

    put(
        &world,
        config(|config| {
            config["client_id"] = json!("id");
            config["client_secret"] = json!("canary");
            config["credential_source"]["headers"] = json!({ "x-format": "json" });
            config["credential_source"]["format"] =
                json!({ "type": "json", "subject_token_field_name": "id_token" });
        }),
    );
    world.clock.advance(Duration::from_secs(901));
    assert_eq!(reads(&world).await, "x");
    let shown = &world.google.shown()["exchange"];
    assert_eq!(
        (shown["subject"].as_str(), shown["client"].as_str()),
        (Some("subject-json"), Some("Basic aWQ6Y2FuYXJ5"),)
    );

    let address = world.google.address();
    let stand = format!("{address}/v1/projects/-/serviceAccounts/{OTHER}:generateAccessToken");
    let mut impersonates: Value = serde_json::from_str(&config(|_| {})).unwrap();
    impersonates["service_account_impersonation_url"] = json!(stand);
    impersonates["service_account_impersonation"] = json!({ "token_lifetime_seconds": 600 });
    put(&world, impersonates.to_string());
    world.google.may_be(OTHER);
    world.clock.advance(Duration::from_secs(901));
    assert_eq!(reads(&world).await, "x");
    assert_eq!(world.google.shown()["generate"], json!({ "email": OTHER, "lifetime": "600s" }));

    put(&world, config(|config| config["credential_source"]["executable"] = json!({ "command": "canary" })));
    world.clock.advance(Duration::from_secs(901));
    assert!(refused(&world).await.message().contains("wants a program to be run"));
}

#[tokio::test]
async fn addresses_that_a_store_may_not_reach_are_not_asked() {
    let mut world = world(|store| store.auth = by_key()).await;
    world.access.grant = Grant { reach: Reach::Guarded(Default::default()), ..Grant::default() };
    let error = refused(&world).await;
    assert_eq!(error.kind, Kind::Refused, "the double is at an address of this machine");
    assert!(matches!(error.complaint(), Complaint::Refused(_)));
    assert_eq!(world.google.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn services_that_fail_are_no_refusals() {
    for (status, body, kind) in [
        (429, "", Kind::Throttled),
        (503, "canary", Kind::Transient),
        (200, "canary", Kind::Transient),
        (200, r#"{"access_token":""}"#, Kind::Transient),
        (302, "", Kind::Invalid),
        (400, r#"{"error":"invalid_grant","error_description":"canary"}"#, Kind::Denied),
    ] {
        let world = world(|_| {}).await;
        for _ in 0..3 {
            world.google.answer("/token", status, body, &[]);
        }
        assert_eq!(refused(&world).await.kind, kind, "{status} {body}");
    }
}

#[tokio::test]
async fn many_that_want_the_same_share_one_proof() {
    let world = world(|_| {}).await;
    world.google.add(None, "db", b"x");
    let wanted = [current("db")];
    let reads = (0..20).map(|_| world.sources.fetch(&world.access, &wanted));
    let answers = futures::future::join_all(reads).await;
    assert!(answers.iter().flatten().all(Result::is_ok));
    let asked = world.google.asked();
    assert_eq!(asked.iter().filter(|asked| asked.ends_with("/token")).count(), 1);
}
