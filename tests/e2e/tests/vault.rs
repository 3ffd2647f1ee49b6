//! From a write in Vault to the Secrets of two clusters: the real server of Pawl, told by nothing but the audit log.

use jiff::SignedDuration;
use pawl_e2e::examples::password;
use pawl_e2e::vault::{Source, arrival, give_token, manifests};
use pawl_e2e::{Server, Stage, now, shows};
use pawl_servers::vault::{VaultDouble, VaultOptions};
use serde_json::json;
use std::collections::BTreeMap;

#[tokio::test(flavor = "multi_thread")]
async fn a_write_reaches_both_clusters_through_its_audit_record() {
    let stage = Stage::start(&["blue", "green"]).await.unwrap();
    let mut source = Source::start(&stage).await.unwrap();
    for cluster in stage.clusters() {
        give_token(cluster, source.token()).unwrap();
    }
    let mut arguments: Vec<String> = ["--sweep", "24h", "--index", "24h"].map(str::to_owned).to_vec();
    arguments.extend(source.audit_arguments());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let server = Server::start(&stage, &arguments).await.unwrap();
    source.connect().await;
    let passwords = [(); 3].map(|()| password());
    let write = async |password: &str| {
        let body = json!({ "user": "ada", "password": password });
        source.write("app/db", &body).await.unwrap();
    };

    write(&passwords[0]).await;
    let file = |name: &str| stage.path(name).display().to_string();
    stage.write("vault.yaml", &manifests(source.address())).unwrap();
    stage.pawl(&["apply", "--clusters", "-f", &file("clusters.yaml")]).await.unwrap().well().unwrap();
    let apply = ["apply", "-f", &file("vault.yaml"), "--cluster", "blue", "--cluster", "green"];
    stage.pawl(&apply).await.unwrap().well().unwrap();
    arrival(&stage, &passwords[0]).await.unwrap();
    stage.settled().await.unwrap();

    stage.reset_calls();
    source.forget_calls();
    write(&passwords[1]).await;
    arrival(&stage, &passwords[1]).await.unwrap();
    assert_eq!(
        stage.cluster_calls(),
        [("patch secrets".to_owned(), 2)].into(),
        "one request for each cluster"
    );
    // Each cluster proves its own identity to Vault; a real server does not count.
    assert_eq!(source.reads().unwrap_or(2), 2);

    stage.settled().await.unwrap();
    stage.reset_calls();
    source.read("app/db").await.unwrap();
    source.write("app/other", &json!({ "a": "b" })).await.unwrap();
    if source.reads().is_some() {
        source.fall_silent().await;
        write(&passwords[2]).await;
        assert_eq!(stage.cluster_calls(), BTreeMap::new(), "nobody told of what Pawl reads");
        stage.pawl(&["sweep", "--all"]).await.unwrap().well().unwrap();
        arrival(&stage, &passwords[2]).await.unwrap();
    }
    for password in &passwords {
        assert!(!shows(&server.log(), password), "a password stands in the log");
        for name in ["pawl.db", "pawl.db-wal"] {
            let bytes = std::fs::read(stage.path(name)).unwrap_or_default();
            assert!(!shows(&String::from_utf8_lossy(&bytes), password), "a password stands in {name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_logs_in_gives_its_token_back() {
    let stage = Stage::start(&["blue"]).await.unwrap();
    let double = VaultDouble::start(VaultOptions::default()).await.unwrap();
    double.mount_kv("", "secret", 2);
    double.put("", "secret", "app/db", &json!({ "user": "ada", "password": "x" })).unwrap();
    let api = double.api().unwrap();
    api.must("POST", "sys/auth/userpass", Some(&json!({ "type": "userpass" }))).await.unwrap();
    double.put_policy("", "read", r#"path "secret/*" { capabilities = ["read", "list"] }"#).unwrap();
    let user = json!({ "password": "pa55", "token_policies": "read" });
    api.must("POST", "auth/userpass/users/pawl", Some(&user)).await.unwrap();
    give_token(&stage.clusters()[0], "pa55").unwrap();
    let login = "userPass: { path: userpass, username: pawl, secretRef: { name: vault-token";
    let declared = manifests(&double.address()).replace("tokenSecretRef: { name: vault-token", login);
    let declared = declared.replace("namespace: shop }\n---", "namespace: shop } }\n---");
    assert!(declared.contains(login), "{declared}");
    stage.write("login.yaml", &declared).unwrap();
    let file = |name: &str| stage.path(name).display().to_string();
    stage.pawl(&["apply", "--clusters", "-f", &file("clusters.yaml")]).await.unwrap().well().unwrap();
    let before = double.token_count();
    stage.pawl(&["apply", "-f", &file("login.yaml"), "--now"]).await.unwrap().well().unwrap();
    arrival(&stage, "x").await.unwrap();
    assert_eq!(double.token_count(), before, "no token is left of a login");
    assert!(double.calls().iter().any(|call| call.path.contains("userpass/login")), "there was one");
}

/// As after a snapshot of last hour was restored: numbers and times are those of before, as from a replica that lags.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_restored_store_has_is_taken_when_a_person_says_so() {
    let stage = Stage::start(&["blue"]).await.unwrap();
    let double = VaultDouble::start(VaultOptions::default()).await.unwrap();
    double.mount_kv("", "secret", 2);
    give_token(&stage.clusters()[0], double.root_token()).unwrap();
    let [one, two, restored] = [(); 3].map(|()| password());
    let put = |password: &str| {
        double.put("", "secret", "app/db", &json!({ "user": "ada", "password": password })).unwrap()
    };
    assert_eq!((put(&one), put(&two)), (1, 2));
    stage.write("vault.yaml", &manifests(&double.address())).unwrap();
    let file = |name: &str| stage.path(name).display().to_string();
    stage.pawl(&["apply", "--clusters", "-f", &file("clusters.yaml")]).await.unwrap().well().unwrap();
    stage.pawl(&["apply", "-f", &file("vault.yaml"), "--now"]).await.unwrap().well().unwrap();
    arrival(&stage, &two).await.unwrap();

    double.api().unwrap().must("DELETE", "secret/metadata/app/db", None).await.unwrap();
    double.clock().stop_at(now() - SignedDuration::from_hours(1));
    assert_eq!(put(&restored), 1);
    let id = "blue/shop/db";
    let refused = stage.pawl(&["sync", id]).await.unwrap();
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stdout.contains("pawl sync --accept-older"), "it says what to do: {refused:?}");
    arrival(&stage, &two).await.unwrap();
    stage.pawl(&["sync", id, "--accept-older"]).await.unwrap().well().unwrap();
    arrival(&stage, &restored).await.unwrap();
}
