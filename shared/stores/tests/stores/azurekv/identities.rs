//! How identities are proven to Entra ID, and what is refused.

use super::{World, at, current, world};
use aws_lc_rs::digest::{SHA256, digest};
use pawl_domain::grant::Reach;
use pawl_domain::store::{AzureAuth, AzureCloud, AzureKvStore, Backend};
use pawl_domain::{Kind, Step};
use pawl_ports::Sources;
use pawl_servers::azurekv::{CLIENT, Proof, SECRET, TENANT};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::json;
use std::time::Duration;

const CLIENT_ANNOTATION: &str = "azure.workload.identity/client-id";
const TENANT_ANNOTATION: &str = "azure.workload.identity/tenant-id";

fn account(store: &mut AzureKvStore) -> &mut AzureAuth {
    store.auth = AzureAuth::ServiceAccount {
        name: "pawl".parse().unwrap(),
        namespace: None,
        audiences: vec!["api://more".to_owned()],
        client_id: None,
        tenant_ref: None,
        tenant: None,
    };
    &mut store.auth
}

/// How many tokens were asked for, and how much else.
fn asked(world: &World) -> (usize, usize) {
    let asked = world.vault.asked();
    let tokens = asked.iter().filter(|asked| asked.contains("/oauth2/")).count();
    (tokens, asked.len() - tokens)
}

#[tokio::test]
async fn a_token_is_shared_and_renewed_before_it_ends() {
    let world = world(|_| {}).await;
    world.vault.set("db", "value");
    world.sources.validate(&world.access).await.unwrap();
    assert_eq!(asked(&world), (1, 0), "no key is read to validate a store");
    for minutes in [0, 1, 10, 40] {
        world.clock.advance(Duration::from_secs(60 * minutes));
        assert_eq!(world.read(&["db"]).await, ["value"]);
    }
    assert_eq!(asked(&world), (0, 4), "it is good for an hour, whenever the Secret is looked at");
    world.clock.advance(Duration::from_secs(5 * 60));
    assert_eq!(world.read(&["db"]).await, ["value"]);
    assert_eq!(asked(&world), (1, 1), "five minutes before its end another is asked for");
    world.vault.live(20);
    world.vault.revoke();
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(world.read(&["db"]).await, ["value"], "a refused token is given up");
    assert_eq!(asked(&world), (1, 2));
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(world.read(&["db"]).await, ["value"]);
    assert_eq!(asked(&world), (1, 1), "a short life is used to its half");
}

#[tokio::test]
async fn a_rotated_secret_is_read_again() {
    let world = world(|_| {}).await;
    world.vault.set("db", "value");
    world.vault.rely_on(Proof::Secret("new".to_owned()));
    let error = world.failure("db").await;
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Denied));
    assert!(error.message().ends_with("check the Secret that clientSecret names (AADSTS7000215)"), "{error}");
    assert!(!format!("{error:?}").contains(SECRET) && !format!("{error:?}").contains("hunter2"), "{error:?}");
    world.clusters.edit("blue/shop/azure", |secret| secret.set("secret", "new"));
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(world.read(&["db"]).await, ["value"]);
    // A Secret that changed proves anew, though the old token would still do.
    asked(&world);
    world.vault.rely_on(Proof::Secret("newer".to_owned()));
    world.clusters.edit("blue/shop/azure", |secret| secret.set("secret", "newer"));
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(world.read(&["db"]).await, ["value"]);
    assert_eq!(asked(&world), (1, 1));
}

#[tokio::test]
async fn a_certificate_signs_for_the_client() {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let certificate = CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
    let world = world(|store| {
        let tenant = TENANT.to_owned();
        store.auth = AzureAuth::Certificate { tenant, client_id: at("id"), certificate: at("pem") };
    })
    .await;
    world.vault.set("db", "value");
    world.clusters.edit("blue/shop/azure", |secret| {
        secret.set("pem", &format!("{}{}", certificate.pem(), key.serialize_pem()));
    });
    let refused = world.failure("db").await;
    assert_eq!((refused.step, refused.kind), (Step::Authenticate, Kind::Denied), "it relies on a secret");
    world.vault.rely_on(Proof::Certificate {
        key: key.public_key_raw().to_vec(),
        sha256: digest(&SHA256, certificate.der()).as_ref().to_vec(),
    });
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(world.read(&["db"]).await, ["value"]);
    world.clusters.edit("blue/shop/azure", |secret| secret.set("pem", "hunter2"));
    world.clock.advance(Duration::from_secs(3600));
    let error = world.failure("db").await;
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Invalid));
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn a_service_account_is_traded_for_a_token() {
    let world = world(|store| {
        account(store);
    })
    .await;
    world.vault.set("db", "value");
    world
        .clusters
        .add_service_account("blue/shop/pawl", &[(CLIENT_ANNOTATION, CLIENT), (TENANT_ANNOTATION, TENANT)]);
    let token = "token blue/shop/pawl for api://AzureADTokenExchange,api://more";
    world.vault.rely_on(Proof::Federated(token.to_owned()));
    assert_eq!(world.read(&["db"]).await, ["value"]);
    world.vault.rely_on(Proof::Federated("another".to_owned()));
    world.vault.revoke();
    world.clock.advance(Duration::from_secs(10));
    let error = world.failure("db").await;
    assert!(error.message().ends_with("compare issuer, subject and audience (AADSTS700213)"), "{error}");
}

#[tokio::test]
async fn client_and_tenant_are_named_once() {
    let both = &[(CLIENT_ANNOTATION, CLIENT), (TENANT_ANNOTATION, TENANT)][..];
    let client = &both[..1];
    let tenant = &both[1..];
    // Which annotations there are; whether the store names the client, its Secret the tenant, the store the tenant; whether the
    // newer client is used; what is refused.
    for (annotations, names_client, tenant_in_secret, names_tenant, new, refusal) in [
        (both, false, false, false, false, None),
        (tenant, true, false, false, false, None),
        (&[][..], true, true, false, false, None),
        (&[], true, true, true, false, None),
        (client, false, false, true, false, None),
        (both, true, false, false, false, Some("both name a client")),
        (both, false, false, true, false, Some("both name a tenant")),
        (both, false, false, true, true, None),
        (tenant, false, false, false, false, Some("which client it is")),
        (client, false, false, false, false, Some("which tenant it is in")),
    ] {
        let world = world(|store| {
            store.use_azure_sdk = new;
            if let AzureAuth::ServiceAccount { client_id, tenant_ref, tenant, .. } = account(store) {
                *client_id = names_client.then(|| at("id"));
                *tenant_ref = tenant_in_secret.then(|| at("tenant"));
                *tenant = names_tenant.then(|| TENANT.to_owned());
            }
        })
        .await;
        world.vault.set("db", "value");
        world.clusters.add_service_account("blue/shop/pawl", annotations);
        world.clusters.edit("blue/shop/azure", |secret| secret.set("tenant", TENANT));
        let token = "token blue/shop/pawl for api://AzureADTokenExchange,api://more";
        world.vault.rely_on(Proof::Federated(token.to_owned()));
        let case = format!("{annotations:?} {names_client} {tenant_in_secret} {names_tenant} {new}");
        match (world.one(current("db")).await, refusal) {
            (Ok(_), None) => {}
            (Err(error), Some(words)) => {
                assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Invalid), "{case}");
                assert!(error.message().contains(words), "{case}: {error}");
            }
            (answer, _) => panic!("{case}: {answer:?}"),
        }
    }
}

#[tokio::test]
async fn refusals_name_what_to_mend() {
    type Case = (fn(&mut AzureKvStore), Kind, &'static str);
    let cases: [Case; 6] = [
        (
            |store| replace_tenant(store, "22222222-0000-0000-0000-000000000000"),
            Kind::Denied,
            "there is no such tenant; check tenantId (AADSTS90002)",
        ),
        (|store| store.cloud = AzureCloud::China, Kind::Denied, "(AADSTS70011)"),
        (|store| replace_tenant(store, ".."), Kind::Invalid, "write the path out"),
        (|store| replace_tenant(store, ""), Kind::Invalid, "the tenant id is empty; correct what holds it"),
        (
            |store| store.authority = Some("http://127.0.0.1:1".to_owned()),
            Kind::Unreachable,
            "cannot be reached; check network and customCloudConfig.activeDirectoryEndpoint",
        ),
        (|store| store.authority = Some("http://login.example.com".to_owned()), Kind::Invalid, "write https"),
    ];
    for (edit, kind, words) in cases {
        let world = world(edit).await;
        let error = world.failure("db").await;
        assert_eq!((error.step, error.kind), (Step::Authenticate, kind), "{error}");
        assert!(error.message().ends_with(words), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
    let world = world(|_| {}).await;
    world.clusters.edit("blue/shop/azure", |secret| secret.set("id", "someone"));
    let error = world.failure("db").await;
    assert!(error.message().ends_with("check clientId and tenantId (AADSTS700016)"), "{error}");
    for (status, kind, asked) in
        [(429, Kind::Throttled, 1), (503, Kind::Transient, 3), (302, Kind::Invalid, 1)]
    {
        let world = super::world(|_| {}).await;
        for _ in 0..asked {
            let headers = [("retry-after", "60"), ("location", "https://elsewhere.example.com/")];
            let headers = if status == 503 { &headers[1..] } else { &headers[..] };
            world.vault.answer(status, headers, json!({ "error_description": "hunter2" }));
        }
        let error = world.failure("db").await;
        assert_eq!((error.step, error.kind), (Step::Authenticate, kind), "{error}");
        assert_eq!(world.vault.asked().len(), asked, "{status}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
    for body in [
        json!({}),
        json!({ "access_token": "" , "expires_in": 1 }),
        json!({ "access_token": "x" }),
        json!([]),
    ] {
        let world = super::world(|_| {}).await;
        world.vault.answer(200, &[], body);
        assert_eq!(world.failure("db").await.kind, Kind::Transient);
    }
}

fn replace_tenant(store: &mut AzureKvStore, other: &str) {
    if let AzureAuth::Secret { tenant, .. } = &mut store.auth {
        other.clone_into(tenant);
    }
}

#[tokio::test]
async fn a_vault_of_another_cloud_is_told_and_its_challenge_is_not_followed() {
    let world = world(|_| {}).await;
    world.vault.set("db", "value");
    assert_eq!(world.read(&["db"]).await, ["value"]);
    world.vault.want("https://vault.azure.cn");
    let error = world.failure("db").await;
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Denied));
    assert!(error.message().ends_with("check the store's environmentType"), "{error}");
    assert!(!error.message().contains("azure.cn"), "{error}");
    let asked = world.vault.asked();
    assert!(asked.iter().all(|asked| !asked.contains("azure.cn")), "{asked:?}");
}

#[tokio::test]
async fn a_cloud_of_its_own_says_what_tokens_are_for_within_its_domain() {
    let world = world(|store| store.cloud = AzureCloud::Stack).await;
    world.vault.set("db", "value");
    world.vault.want("https://graph.example.com");
    let error = world.failure("db").await;
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Invalid));
    assert!(error.message().contains("wants a token for another service"), "{error}");
    assert_eq!(asked(&world), (0, 1), "no token is asked for");
    world.vault.want("http://127.0.0.1");
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(world.read(&["db"]).await, ["value"]);
}

#[tokio::test]
async fn addresses_out_of_reach_are_not_asked() {
    let mut world = world(|_| {}).await;
    world.access.grant.reach = Reach::Guarded(Default::default());
    let error = world.failure("db").await;
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Refused), "{error}");
    assert_eq!(asked(&world), (0, 0));
    // The vault may be reached, where tokens are given out may not.
    let mut store = world.access.backend.as_azurekv().unwrap().clone();
    store.vault_url = "https://team.vault.azure.net".to_owned();
    world.access.backend = Backend::from(store);
    let error = world.failure("db").await;
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Refused), "{error}");
    assert_eq!(asked(&world), (0, 0));
}
