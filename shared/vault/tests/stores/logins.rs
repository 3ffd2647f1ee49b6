//! The auth methods: what each shows to the server, and what refusals say.

use crate::support::{
    FakeCluster, access_of, current, double, failure, name, secret, sources_of, store, told,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pawl_domain::store::{
    AwsAuth, ClientCertificate, Headers, RoleId, SecretKeyRef, VaultAuth, VaultGcpAuth, VaultIamAuth,
    VaultProof, VaultStore,
};
use pawl_domain::{Access, Kind, Step};
use pawl_ports::Sources;
use pawl_servers::vault::{VaultClock, VaultDouble};
use serde_json::{Value, json};
use std::sync::Arc;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

#[tokio::test]
async fn every_method_shows_what_the_server_wants_to_see() {
    let token_of = |name: &str, audiences: &[&str]| VaultProof::ServiceAccount {
        name: self::name(name),
        namespace: None,
        audiences: audiences.iter().map(|&each| each.to_owned()).collect(),
        lifetime: None,
    };
    let given = |id: &str| RoleId::Given(id.to_owned());
    for (auth, path, body) in [
        (
            VaultAuth::AppRole {
                path: "approle".into(),
                role_id: given(" role-1 "),
                secret_id: secret("login", "secret"),
            },
            "auth/approle/login",
            json!({ "role_id": "role-1", "secret_id": "the secret" }),
        ),
        (
            VaultAuth::AppRole {
                path: "/teams/shop/".into(),
                role_id: RoleId::Secret(secret("login", "role")),
                secret_id: secret("login", "secret"),
            },
            "auth/teams/shop/login",
            json!({ "role_id": "the role", "secret_id": "the secret" }),
        ),
        (
            VaultAuth::Kubernetes {
                path: "kubernetes".into(),
                role: "reader".into(),
                proof: token_of("app", &[]),
            },
            "auth/kubernetes/login",
            json!({ "role": "reader", "jwt": "token-of-shop-app" }),
        ),
        (
            VaultAuth::Kubernetes {
                path: "blue".into(),
                role: "reader".into(),
                proof: VaultProof::Secret(secret("login", "jwt")),
            },
            "auth/blue/login",
            json!({ "role": "reader", "jwt": "the jwt" }),
        ),
        (
            VaultAuth::Jwt {
                path: "jwt".into(),
                role: Some(" reader ".into()),
                proof: token_of("app", &["vault"]),
            },
            "auth/jwt/login",
            json!({ "role": "reader", "jwt": "token-of-shop-app" }),
        ),
        (
            VaultAuth::Jwt {
                path: "jwt".into(),
                role: None,
                proof: VaultProof::Secret(secret("login", "jwt")),
            },
            "auth/jwt/login",
            json!({ "role": "", "jwt": "the jwt" }),
        ),
        (
            VaultAuth::Ldap {
                path: "ldap".into(),
                username: " ann ".into(),
                password: secret("login", "secret"),
            },
            "auth/ldap/login/ann",
            json!({ "password": "the secret" }),
        ),
        (
            VaultAuth::UserPass {
                path: "userpass".into(),
                username: "ann b".into(),
                password: secret("login", "secret"),
            },
            "auth/userpass/login/ann%20b",
            json!({ "password": "the secret" }),
        ),
    ] {
        let server = scripted().await;
        let cluster = FakeCluster::default()
            .with("shop/login/role", "the role")
            .with("shop/login/secret", "the secret")
            .with("shop/login/jwt", "the jwt\n");
        let sources = sources_of(cluster, VaultClock::default());
        let answers = sources.fetch(&access_by(&server, auth.clone()), &[current("secret/a")]).await;
        assert_eq!(told(&answers), ["{}@1"], "{auth:?}");
        let (asked, said) = login(&server).await;
        assert_eq!((asked.as_str(), said), (path, body), "{auth:?}");
    }
}

#[tokio::test]
async fn iam_shows_a_signed_question_to_sts() {
    let server = scripted().await;
    let iam = VaultIamAuth {
        path: "aws".into(),
        region: "eu-central-1".into(),
        vault_role: "reader".into(),
        role: Some("arn:aws:iam::123456789012:role/app".into()),
        external_id: None,
        server_id: Some("vault.example.com".into()),
        identity: AwsAuth::ServiceAccount {
            name: name("app"),
            namespace: Some(name("bank")),
            audiences: Vec::new(),
        },
    };
    let sources = sources_of(FakeCluster::default(), VaultClock::default());
    let answers = sources.fetch(&access_by(&server, VaultAuth::Iam(iam)), &[current("secret/a")]).await;
    assert_eq!(told(&answers), ["{}@1"]);

    let (path, body) = login(&server).await;
    assert_eq!(path, "auth/aws/login");
    assert_eq!((&body["role"], &body["iam_http_request_method"]), (&json!("reader"), &json!("POST")));
    let plain =
        |field: &str| String::from_utf8(STANDARD.decode(body[field].as_str().unwrap()).unwrap()).unwrap();
    assert_eq!(plain("iam_request_url"), "https://sts.eu-central-1.amazonaws.com/");
    assert_eq!(plain("iam_request_body"), "Action=GetCallerIdentity");
    let headers: Value = serde_json::from_str(&plain("iam_request_headers")).unwrap();
    assert_eq!(headers["x-vault-aws-iam-server-id"], json!(["vault.example.com"]));
    let who = headers["authorization"][0].as_str().unwrap();
    assert!(who.contains("ServiceAccount") && who.contains("role/app") && who.contains("bank"), "{who}");
}

#[tokio::test]
async fn gcp_needs_a_key_and_says_so() {
    for (key, text, want) in [
        (None, "", "name a service account key in secretRef, or use jwt"),
        (Some(secret("login", "key")), "hunter2", "secretRef holds no service account key in JSON"),
    ] {
        let server = scripted().await;
        let auth = VaultAuth::Gcp(VaultGcpAuth { path: "gcp".into(), role: "reader".into(), key });
        let sources = sources_of(FakeCluster::default().with("shop/login/key", text), VaultClock::default());
        let error = failure(sources.fetch(&access_by(&server, auth), &[current("secret/a")]).await);
        assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Invalid));
        assert!(error.message().ends_with(want), "{error}");
        assert_eq!(server.received_requests().await.unwrap().len(), 0);
    }
}

#[tokio::test]
async fn logins_have_a_namespace_of_their_own() {
    for (namespace, auth_namespace, login, read) in [
        (None, None, None, None),
        (Some("ns1"), None, Some("ns1"), Some("ns1")),
        (Some("ns1"), Some("ns2/"), Some("ns2"), Some("ns1")),
        (Some("ns1"), Some(""), None, Some("ns1")),
        (None, Some("ns2"), Some("ns2"), None),
    ] {
        let server = scripted().await;
        let text = |text: Option<&str>| text.map(str::to_owned);
        let store = VaultStore {
            namespace: text(namespace),
            auth_namespace: text(auth_namespace),
            auth: Some(password("ann")),
            ..store(&server.uri())
        };
        let cluster = FakeCluster::default().with("shop/login/secret", "the secret");
        let key = [namespace, Some("secret/a")].into_iter().flatten().collect::<Vec<_>>().join("/");
        let answers =
            sources_of(cluster, VaultClock::default()).fetch(&access_of(store), &[current(&key)]).await;
        assert_eq!(told(&answers), ["{}@1"]);
        let asked = server.received_requests().await.unwrap();
        let sent: Vec<_> = asked
            .iter()
            .map(|request| request.headers.get("x-vault-namespace").map(|value| value.to_str().unwrap()))
            .collect();
        assert_eq!(sent, [login, read], "{namespace:?} {auth_namespace:?}");
    }
}

#[tokio::test]
async fn requests_carry_headers_and_token() {
    let server = scripted().await;
    let headers = [("X-Team", "shop"), ("X-Vault-Token", "mine"), ("X-Vault-Request", "no")];
    let store = VaultStore {
        headers: Headers(headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()),
        read_your_writes: true,
        forward_inconsistent: true,
        ..store(&server.uri())
    };
    let sources = sources_of(FakeCluster::with_token("the-token"), VaultClock::default());
    sources.fetch(&access_of(store), &[current("secret/a")]).await;
    let asked = server.received_requests().await.unwrap();
    let sent = |name: &str| {
        let all = asked[0].headers.get_all(name).iter();
        all.map(|value| value.to_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(sent("x-team"), ["shop"]);
    assert_eq!(sent("x-vault-request"), ["true"]);
    assert_eq!(sent("x-vault-inconsistent"), ["forward-active-node"]);
    assert_eq!(sent("x-vault-token").last().unwrap(), "the-token");
    assert_eq!(sent("x-vault-token").len(), 1, "the store's own headers do not stand beside it");
}

#[tokio::test]
async fn logins_at_a_server_give_tokens_that_read() {
    let double = server_with_logins().await;
    let role_id = double.api().unwrap().must("GET", "auth/approle/role/app/role-id", None).await.unwrap();
    let role_id = role_id["data"]["role_id"].as_str().unwrap().to_owned();
    let secret_id =
        double.api().unwrap().must("POST", "auth/approle/role/app/secret-id", None).await.unwrap();
    let secret_id = secret_id["data"]["secret_id"].as_str().unwrap();
    let approle = VaultAuth::AppRole {
        path: "approle".into(),
        role_id: RoleId::Given(role_id),
        secret_id: secret("login", "secret-id"),
    };
    let cluster =
        FakeCluster::default().with("shop/login/secret-id", secret_id).with("shop/login/secret", "pa55");
    let cluster = Arc::new(cluster);
    let sources = crate::support::shared_sources(&cluster, double.clock(), crate::support::options());
    for auth in [approle, password("ann")] {
        let store = VaultStore { auth: Some(auth.clone()), ..store(&double.address()) };
        assert_eq!(
            told(&sources.fetch(&access_of(store), &[current("secret/a")]).await),
            [r#"{"a":1}@1"#],
            "{auth:?}"
        );
    }
}

#[tokio::test]
async fn refused_logins_say_where_and_what_to_check() {
    let double = server_with_logins().await;
    let approle = |role: &str| VaultAuth::AppRole {
        path: "approle".into(),
        role_id: RoleId::Given(role.into()),
        secret_id: secret("login", "secret"),
    };
    let elsewhere = VaultAuth::UserPass {
        path: "nowhere".into(),
        username: "ann".into(),
        password: secret("login", "secret"),
    };
    for (auth, kind, want) in [
        (
            password("bob"),
            Kind::Denied,
            "login at auth/userpass: the login was refused (invalid username or password); check the store's auth and its credentials",
        ),
        (
            approle("none"),
            Kind::Denied,
            "login at auth/approle: the login was refused (invalid role or secret ID); check the store's auth and its credentials",
        ),
        (elsewhere, Kind::Denied, "login at auth/nowhere: "),
        (
            password("a/b"),
            Kind::Invalid,
            "login at auth/userpass: the username has a slash in it; correct it",
        ),
    ] {
        let cluster = FakeCluster::default().with("shop/login/secret", "pa55");
        let store = VaultStore { auth: Some(auth.clone()), ..store(&double.address()) };
        let error = failure(
            sources_of(cluster, double.clock()).fetch(&access_of(store), &[current("secret/a")]).await,
        );
        assert_eq!((error.step, error.kind), (Step::Authenticate, kind), "{error}");
        assert!(error.message().contains(want), "{error}");
        assert!(!error.message().contains("pa55"), "{error}");
    }
}

#[tokio::test]
async fn what_a_cluster_lacks_is_never_taken_for_a_missing_key() {
    let server = scripted().await;
    let named = SecretKeyRef { namespace: Some(name("bank")), ..secret("login", "secret") };
    let certificate =
        ClientCertificate { certificate: secret("tls", "tls.crt"), key: secret("tls", "tls.key") };
    let shown = VaultStore { client_certificate: Some(certificate), ..store(&server.uri()) };
    let elsewhere = VaultAuth::UserPass { path: "userpass".into(), username: "ann".into(), password: named };
    let homeless = Access { cluster: None, namespace: None, ..access_of(store(&server.uri())) };
    for (access, want) in [
        (access_of(store(&server.uri())), r#"key "token" of Secret shop/vault of cluster blue: no such key"#),
        (access_by(&server, elsewhere), r#"key "secret" of Secret bank/login of cluster blue: no such key"#),
        (access_of(shown), r#"key "tls.crt" of Secret shop/tls of cluster blue: no such key"#),
        (homeless, "no cluster to read credentials from"),
    ] {
        let error = failure(
            sources_of(FakeCluster::default(), VaultClock::default())
                .fetch(&access, &[current("secret/a")])
                .await,
        );
        assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Invalid), "{error}");
        assert!(error.message().ends_with(want), "{error}");
    }
}

/// A server that takes every login and has `{}` under every key.
async fn scripted() -> MockServer {
    let server = MockServer::start().await;
    let auth = json!({ "auth": { "client_token": "t", "lease_duration": 3600, "renewable": true, "token_type": "service" } });
    let read = json!({ "data": { "data": {}, "metadata": { "version": 1, "created_time": "2026-01-01T00:00:00Z" } } });
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(200).set_body_json(auth))
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_json(read))
        .mount(&server)
        .await;
    server
}

/// Path and body of the first request.
async fn login(server: &MockServer) -> (String, Value) {
    let asked = server.received_requests().await.unwrap();
    let path = asked[0].url.path().strip_prefix("/v1/").unwrap().to_owned();
    assert!(asked[0].headers.get("x-vault-token").is_none(), "a login carries no token");
    assert_eq!(asked[1].headers["x-vault-token"], "t", "what the login gave is used");
    (path, serde_json::from_slice(&asked[0].body).unwrap())
}

fn access_by(server: &MockServer, auth: VaultAuth) -> Access {
    access_of(VaultStore { auth: Some(auth), ..store(&server.uri()) })
}

pub(crate) fn password(username: &str) -> VaultAuth {
    VaultAuth::UserPass {
        path: "userpass".into(),
        username: username.into(),
        password: secret("login", "secret"),
    }
}

/// A double with a user `ann` and a role `app`, who may read `secret/`.
pub(crate) async fn server_with_logins() -> VaultDouble {
    let double = double().await;
    let api = double.api().unwrap();
    double.put("", "secret", "a", &json!({ "a": 1 })).unwrap();
    double
        .put_policy("", "reader", "path \"secret/*\" {\n  capabilities = [\"read\", \"list\"]\n}\n")
        .unwrap();
    for method in ["approle", "userpass"] {
        api.must("POST", &format!("sys/auth/{method}"), Some(&json!({ "type": method }))).await.unwrap();
    }
    let lives = json!({ "token_policies": "reader", "token_ttl": "20m", "token_max_ttl": "1h" });
    api.must("POST", "auth/approle/role/app", Some(&lives)).await.unwrap();
    let mut user = lives;
    user["password"] = json!("pa55");
    api.must("POST", "auth/userpass/users/ann", Some(&user)).await.unwrap();
    double.forget_calls();
    double
}
