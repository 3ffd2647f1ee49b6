//! A real server, where there is one: `PAWL_TEST_VAULT_BIN` names a `bao` or `vault` program. Logins, the life of tokens, the policy that
//! is given to users, and what a sealed server says.

use crate::support::{
    FakeCluster, TestSources, access_of, current, metadata, secret, shared_sources, store, told,
    told_versions,
};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use pawl_domain::store::{RoleId, VaultAuth, VaultProof, VaultStore};
use pawl_domain::{Access, Find, Keep, Kind, Provider};
use pawl_ports::Sources;
use pawl_servers::vault::{Vault, VaultApi, VaultClock};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const POLICY: &str = include_str!("../../../../infra/vault/pawl.hcl");

#[tokio::test]
async fn a_real_server_lets_in_whom_its_roles_name_and_gets_its_tokens_back() {
    let Some(program) = Vault::available() else {
        return eprintln!("skipped: PAWL_TEST_VAULT_BIN is not set");
    };
    let server = Vault::start_dev(&program).await.unwrap();
    let api = server.api();
    api.must("POST", "secret/data/app/db", Some(&json!({ "data": { "password": "<1>" } }))).await.unwrap();
    api.must("POST", "sys/policies/acl/pawl", Some(&json!({ "policy": POLICY }))).await.unwrap();
    let lives = json!({ "token_policies": "pawl", "token_ttl": "20m", "token_max_ttl": "1h" });
    for (auth, texts) in
        [by_role(api, &lives).await, by_password(api, &lives).await, by_jwt(api, &lives).await]
    {
        let cluster = texts.iter().fold(FakeCluster::default(), |cluster, (at, text)| cluster.with(at, text));
        let clock = VaultClock::default();
        let sources = shared_sources(&Arc::new(cluster), clock.clone(), crate::support::options());
        let access = access_of(VaultStore { auth: Some(auth.clone()), ..store(api.address()) });
        let before = tokens(api).await;
        everything_is_allowed(&sources, &access).await;
        assert_eq!(tokens(api).await, before + 1, "one login, {auth:?}");
        // For the sources it is time to renew.
        clock.advance(Duration::from_secs(16 * 60));
        everything_is_allowed(&sources, &access).await;
        assert_eq!(tokens(api).await, before + 1, "renewed, {auth:?}");
        sources.close().await;
        assert_eq!(tokens(api).await, before, "revoked, {auth:?}");
    }
    let renewed =
        server.audit_lines().unwrap().iter().filter(|line| line.contains("auth/token/renew-self")).count();
    assert_eq!(renewed, 6, "three renewals, with a record for request and response each");
}

#[tokio::test]
async fn a_real_server_says_what_the_double_says() {
    let Some(program) = Vault::available() else {
        return eprintln!("skipped: PAWL_TEST_VAULT_BIN is not set");
    };
    let server = Vault::start_dev(&program).await.unwrap();
    let api = server.api();
    let reads = "path \"secret/data/mine/*\" { capabilities = [\"read\"] }";
    api.must("POST", "sys/policies/acl/mine", Some(&json!({ "policy": reads }))).await.unwrap();
    let made = api.must("POST", "auth/token/create", Some(&json!({ "policies": ["mine"] }))).await.unwrap();
    let token = made["auth"]["client_token"].as_str().unwrap();
    let ask = async |token: &str, store: VaultStore, key: &str| {
        let sources = shared_sources(
            &Arc::new(FakeCluster::with_token(token)),
            VaultClock::default(),
            crate::support::options(),
        );
        let error = crate::support::failure(sources.fetch(&access_of(store), &[current(key)]).await);
        (error.kind, error.message().to_owned())
    };
    let here = store(api.address());
    let elsewhere = VaultStore { path: Some("nowhere".into()), ..here.clone() };
    for (token, store, key, kind, want) in [
        (token, here.clone(), "secret/mine/a", Kind::NotFound, "does not exist"),
        (token, here.clone(), "secret/other", Kind::Denied, "access denied"),
        ("no-token", here.clone(), "secret/mine/a", Kind::Denied, "the token was refused"),
        (
            server.root_token(),
            elsewhere,
            "nowhere/a",
            Kind::Invalid,
            "route entry not found); check the store's path",
        ),
    ] {
        let (told, what) = ask(token, store, key).await;
        assert!(told == kind && what.contains(want), "{key}: {told}: {what}");
    }
    api.must("POST", "sys/seal", None).await.unwrap();
    let (told, what) = ask(token, here, "secret/mine/a").await;
    assert!(
        told == Kind::Transient && what.contains("secret/mine/a: the server failed with 503"),
        "{told}: {what}"
    );
}

/// What the policy that users are given must be enough for.
async fn everything_is_allowed(sources: &TestSources, access: &Access) {
    let wanted = ["secret/app/db", "secret/none"].map(current);
    assert_eq!(
        told(&sources.fetch(access, &wanted).await),
        [r#"{"password":"\u003c1\u003e"}@1"#, "not-found"]
    );
    assert_eq!(told_versions(&sources.versions(access, &wanted).await), ["1", "not-found"]);
    assert!(sources.fetch(access, &[metadata("secret/app/db")]).await[0].is_ok());
    let found = sources.find(access, &Find::default(), &Keep::everything(Provider::Vault)).await.unwrap();
    assert_eq!(found.keys().collect::<Vec<_>>(), ["app/db"]);
}

type Login = (VaultAuth, Vec<(&'static str, String)>);

async fn by_role(api: &VaultApi, lives: &Value) -> Login {
    enable(api, "approle").await;
    api.must("POST", "auth/approle/role/app", Some(lives)).await.unwrap();
    let role = api.must("GET", "auth/approle/role/app/role-id", None).await.unwrap();
    let made = api.must("POST", "auth/approle/role/app/secret-id", None).await.unwrap();
    let role_id = RoleId::Given(role["data"]["role_id"].as_str().unwrap().to_owned());
    let auth = VaultAuth::AppRole { path: "approle".into(), role_id, secret_id: secret("login", "secret") };
    (auth, vec![("shop/login/secret", made["data"]["secret_id"].as_str().unwrap().to_owned())])
}

async fn by_password(api: &VaultApi, lives: &Value) -> Login {
    enable(api, "userpass").await;
    let mut user = lives.clone();
    user["password"] = json!("pa55");
    api.must("POST", "auth/userpass/users/ann", Some(&user)).await.unwrap();
    (crate::logins::password("ann"), vec![("shop/login/secret", "pa55".to_owned())])
}

async fn by_jwt(api: &VaultApi, lives: &Value) -> Login {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        STANDARD.encode(public.as_ref())
    );
    enable(api, "jwt").await;
    api.must("POST", "auth/jwt/config", Some(&json!({ "jwt_validation_pubkeys": [pem] }))).await.unwrap();
    let mut role = lives.clone();
    for (name, value) in [("role_type", "jwt"), ("user_claim", "sub"), ("bound_audiences", "vault")] {
        role[name] = json!(value);
    }
    api.must("POST", "auth/jwt/role/app", Some(&role)).await.unwrap();
    let now = VaultClock::default().now();
    let claims = json!({
        "sub": "system:serviceaccount:shop:app", "aud": "vault", "iat": now.as_second(),
        "exp": (now + SignedDuration::from_mins(10)).as_second(),
    });
    let part = |part: Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let unsigned = format!("{}.{}", part(json!({ "alg": "RS256", "typ": "JWT" })), part(claims));
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), unsigned.as_bytes(), &mut signature).unwrap();
    let token = format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(signature));
    let proof = VaultProof::Secret(secret("login", "jwt"));
    (VaultAuth::Jwt { path: "jwt".into(), role: Some("app".into()), proof }, vec![("shop/login/jwt", token)])
}

async fn enable(api: &VaultApi, method: &str) {
    api.must("POST", &format!("sys/auth/{method}"), Some(&json!({ "type": method }))).await.unwrap();
}

/// How many tokens the server knows.
async fn tokens(api: &VaultApi) -> usize {
    let listed = api.must("LIST", "auth/token/accessors", None).await.unwrap();
    listed["data"]["keys"].as_array().unwrap().len()
}
