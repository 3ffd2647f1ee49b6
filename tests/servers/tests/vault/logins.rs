//! Logins that a real server would ask others about: a directory, a cluster, a cloud. The double takes their word for granted.

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use pawl_servers::vault::{VaultApi, VaultDouble, VaultOptions};
use serde_json::{Value, json};

#[tokio::test]
async fn each_method_gives_tokens_of_its_roles() {
    let vault = VaultDouble::start(VaultOptions::default()).await.unwrap();
    vault.put("team", "secret", "app/db", &json!({ "a": "b" })).unwrap_err();
    vault.mount_kv("team", "secret", 2);
    vault.put("team", "secret", "app/db", &json!({ "a": "b" })).unwrap();
    vault.put_policy("team", "app", r#"path "secret/data/app/*" { capabilities = ["read"] }"#).unwrap();
    let root = vault.api().unwrap().in_namespace("team");
    let account = jwt(&json!({
        "sub": "system:serviceaccount:web:api", "aud": ["vault"], "exp": 4_102_444_800_u64,
        "kubernetes.io": { "namespace": "web", "serviceaccount": { "name": "api", "uid": "u-1" } },
    }));
    let robot = jwt(
        &json!({ "sub": "1", "email": "robot@example.com", "aud": "vault/app", "exp": 4_102_444_800_u64 }),
    );
    let role = |more: Value| {
        let mut role = json!({ "token_policies": ["app"], "token_ttl": "10m" });
        role.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        role
    };
    // Type, where a role is written, the role, where one logs in, with what, with what not, the display name.
    let table = [
        (
            "kubernetes",
            "role/app",
            role(
                json!({ "bound_service_account_names": ["api"], "bound_service_account_namespaces": "web,other" }),
            ),
            "login",
            json!({ "role": "app", "jwt": account }),
            json!({ "role": "app", "jwt": robot }),
            "team-auth-k-kubernetes-web-api",
        ),
        (
            "ldap",
            "users/alice",
            role(json!({ "password": "pw" })),
            "login/alice",
            json!({ "password": "pw" }),
            json!({ "password": "other" }),
            "team-auth-k-ldap-alice",
        ),
        (
            "gcp",
            "role/app",
            role(json!({ "bound_service_accounts": ["robot@example.com"] })),
            "login",
            json!({ "role": "app", "jwt": robot }),
            json!({ "role": "app", "jwt": account }),
            "team-auth-k-gcp-robot@example.com",
        ),
        (
            "aws",
            "role/app",
            role(
                json!({ "auth_type": "iam", "bound_iam_principal_arn": "arn:aws:iam::123456789012:role/app" }),
            ),
            "login",
            sts_request("20260102T030405Z", "20260102/eu-west-1/sts/aws4_request"),
            sts_request("20260102T030405Z", "20260102/eu-west-1/ssm/aws4_request"),
            "team-auth-k-aws-AKIDEXAMPLE",
        ),
    ];
    for (kind, folder, role, login, good, bad, name) in table {
        root.must("POST", &format!("sys/auth/k/{kind}"), Some(&json!({ "type": kind }))).await.unwrap();
        root.must("POST", &format!("auth/k/{kind}/{folder}"), Some(&role)).await.unwrap();
        let nobody = root.with_token("");
        let path = format!("auth/k/{kind}/{login}");
        let (status, refused) = nobody.call("POST", &path, Some(&bad)).await.unwrap();
        assert!(matches!(status, 400 | 403), "{kind}: {status} {refused}");
        let granted = nobody.must("POST", &path, Some(&good)).await.unwrap();
        assert_eq!(granted["auth"]["lease_duration"], 600, "{kind}");
        let user = root.with_token(granted["auth"]["client_token"].as_str().unwrap());
        let lookup = user.must("GET", "auth/token/lookup-self", None).await.unwrap();
        assert_eq!(lookup["data"]["display_name"], name);
        let read = user.must("GET", "secret/data/app/db", None).await.unwrap();
        assert_eq!(read["data"]["data"], json!({ "a": "b" }), "{kind}");
        assert_eq!(user.call("GET", "secret/data/other", None).await.unwrap().0, 403, "{kind}");
        assert_eq!(
            user.in_namespace("").call("GET", "secret/data/app/db", None).await.unwrap().0,
            403,
            "{kind}"
        );
    }
}

#[tokio::test]
async fn the_server_id_must_be_signed_when_it_is_set() {
    let vault = VaultDouble::start(VaultOptions::default()).await.unwrap();
    let root = vault.api().unwrap();
    root.must("POST", "sys/auth/aws", Some(&json!({ "type": "aws" }))).await.unwrap();
    root.must("POST", "auth/aws/role/app", Some(&json!({ "auth_type": "iam" }))).await.unwrap();
    let config = json!({ "iam_server_id_header_value": "vault.example.com" });
    root.must("POST", "auth/aws/config/client", Some(&config)).await.unwrap();
    let login = sts_request("20260102T030405Z", "20260102/eu-west-1/sts/aws4_request");
    let (status, answer) = root.call("POST", "auth/aws/login", Some(&login)).await.unwrap();
    assert_eq!(status, 400);
    assert!(answer["errors"][0].as_str().unwrap().contains("x-vault-aws-iam-server-id"), "{answer}");
}

#[tokio::test]
async fn certificates_are_shown_in_the_handshake_or_by_a_proxy() {
    let vault = VaultDouble::start(VaultOptions::default().tls()).await.unwrap();
    let root = vault.api().unwrap();
    let (certificate, key) = vault.client_certificate("app").unwrap().unwrap();
    let (stranger, strange_key) = vault.client_certificate("stranger").unwrap().unwrap();
    root.must("POST", "sys/auth/cert", Some(&json!({ "type": "cert" }))).await.unwrap();
    root.must("POST", "auth/cert/certs/app", Some(&json!({ "certificate": certificate, "token_ttl": 60 })))
        .await
        .unwrap();
    let login = async |api: &VaultApi| {
        api.call("POST", "auth/cert/login", Some(&json!({ "name": "app" }))).await.unwrap()
    };

    let (status, granted) = login(&vault.api_with_certificate(&certificate, &key).unwrap()).await;
    assert_eq!((status, &granted["auth"]["metadata"]["cert_name"]), (200, &json!("app")));
    assert_eq!(login(&vault.api_with_certificate(&stranger, &strange_key).unwrap()).await.0, 400);
    let (status, answer) = login(&root).await;
    assert_eq!((status, &answer["errors"][0]), (400, &json!("no client certificate found")));

    let der: String = certificate.lines().filter(|line| !line.starts_with("-----")).collect();
    let forwarded = [("x-forwarded-client-cert", der.as_str())];
    assert_eq!(root.send("POST", "auth/cert/login", Some("{}"), &forwarded).await.unwrap().0, 200);

    // A role of the authority takes every certificate that it signed.
    let role = json!({ "certificate": vault.ca_pem().unwrap() });
    root.must("POST", "auth/cert/certs/app", Some(&role)).await.unwrap();
    assert_eq!(login(&vault.api_with_certificate(&stranger, &strange_key).unwrap()).await.0, 200);
}

fn jwt(claims: &Value) -> String {
    let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    [part(r#"{"alg":"RS256"}"#), part(&claims.to_string()), part("signature")].join(".")
}

fn sts_request(date: &str, scope: &str) -> Value {
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}, SignedHeaders=content-type;host;x-amz-date, Signature={}",
        "0".repeat(64)
    );
    let headers = json!({ "Authorization": [authorization], "X-Amz-Date": [date], "Host": ["sts.eu-west-1.amazonaws.com"] });
    json!({
        "role": "app",
        "iam_http_request_method": "POST",
        "iam_request_url": BASE64_STANDARD.encode("https://sts.eu-west-1.amazonaws.com/"),
        "iam_request_body": BASE64_STANDARD.encode("Action=GetCallerIdentity&Version=2011-06-15"),
        "iam_request_headers": BASE64_STANDARD.encode(headers.to_string()),
    })
}
