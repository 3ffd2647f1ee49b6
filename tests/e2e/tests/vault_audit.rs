//! A write in Vault reaches the Secret by its audit record, whichever way the record comes to `pawl serve`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pawl_e2e::examples::password;
use pawl_e2e::{AUDIT_TOKEN, Result, Server, Stage, now, shows, sign, until};
use pawl_servers::vault::{AuditDevice, VaultDouble, VaultOptions};
use serde_json::{Value, json};
use std::net::SocketAddr;

#[tokio::test]
async fn a_write_reaches_the_secret_whichever_way_its_record_comes() -> Result<()> {
    let (stage, vault, first) = stage().await?;
    let (socket, log) = (stage.path("audit.sock"), stage.path("audit.log"));
    let (unix, file) = (format!("unix:{}", socket.display()), log.display().to_string());
    let listen = ["--vault-audit-listen", "tcp://127.0.0.1:0", "--vault-audit-listen", &unix];
    let rest = ["--vault-audit-file", &file, "--sweep", "24h", "--index", "24h"];
    let server = Server::start(&stage, &[&listen[..], &rest].concat()).await?;
    apply(&stage, &vault).await?;
    assert!(holds(&stage, &first));

    let tcp = listens_at(&server.log());
    let url = format!("{}/v1/vault/audit", server.url());
    let mut passwords = vec![first];
    for (way, device) in [
        ("tcp", AuditDevice::tcp(tcp)),
        ("unix", AuditDevice::unix(&socket)),
        ("http", AuditDevice::http(&url, &[("X-Pawl-Token", AUDIT_TOKEN)])),
        ("file", AuditDevice::file(&log)),
    ] {
        vault.remove_audit().await;
        vault.add_audit(device).await;
        let password = password();
        write(&vault, &password).await?;
        let arrived = async || holds(&stage, &password).then_some(());
        until(&format!("the arrival of what {way} told"), arrived).await?;
        passwords.push(password);
    }
    let metrics = server.metrics().await?;
    assert_eq!(metrics.count("pawl_audit_records_total", &[("outcome", "change")]), 4);
    assert_eq!(metrics.count("pawl_audit_records_total", &[("outcome", "malformed")]), 0);
    let said = server.log();
    assert!(passwords.iter().all(|password| !shows(&said, password)), "a value is in the log");

    server.tell_to_stop().await?;
    let (status, log) = server.finished().await?;
    assert!(status.success(), "{status}: {log}");
    assert!(!socket.exists(), "the socket goes with the server");
    Ok(())
}

#[tokio::test]
async fn records_are_taken_over_http_from_who_proves_it_and_from_nobody_else() -> Result<()> {
    let (stage, _vault, _) = stage().await?;
    let server = Server::start(&stage, &["--sweep", "24h", "--index", "24h"]).await?;
    let read = r#"{"type":"response","request":{"id":"1","operation":"read","path":"secret/data/app/db"}}"#;
    let time = now().as_second().to_string();
    let signature = sign(pawl_e2e::HMAC_KEY, &time, read.as_bytes());
    let signed = [("x-pawl-timestamp", time.as_str()), ("x-pawl-signature", signature.as_str())];
    let token = [("x-pawl-token", AUDIT_TOKEN)];
    for (case, headers, body, status) in [
        ("nothing is shown", &[][..], read, 401),
        ("another token", &[("x-pawl-token", "another token, as long")], read, 401),
        ("the token", &token, read, 200),
        ("a signature", &signed, read, 200),
        ("a signature of another body", &signed, "{}", 401),
        ("no records", &token, "nonsense", 400),
        ("no shipment", &token, "[", 400),
    ] {
        let answer = server.post_to("/v1/vault/audit", headers, body.as_bytes().to_vec()).await?;
        assert_eq!(answer.status, status, "{case}: {answer:?}");
    }
    Ok(())
}

async fn stage() -> Result<(Stage, VaultDouble, String)> {
    let stage = Stage::start(&["blue"]).await?;
    let vault = VaultDouble::start(VaultOptions::default().audit([])).await?;
    vault.mount_kv("", "secret", 2);
    let first = password();
    vault.put("", "secret", "app/db", &json!({ "password": first }))?;
    for cluster in stage.clusters() {
        cluster.put(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop" } }))?;
        cluster.put(json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "vault-token", "namespace": "shop" },
            "data": { "token": STANDARD.encode(vault.root_token()) },
        }))?;
    }
    Ok((stage, vault, first))
}

async fn apply(stage: &Stage, vault: &VaultDouble) -> Result<()> {
    let store = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "SecretStore",
        "metadata": { "name": "vault", "namespace": "shop" },
        "spec": { "provider": { "vault": {
            "server": vault.address(), "path": "secret", "version": "v2",
            "auth": { "tokenSecretRef": { "name": "vault-token", "key": "token" } },
        } } },
    });
    let secret = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
        "metadata": { "name": "db", "namespace": "shop" },
        "spec": {
            "refreshInterval": "24h",
            "secretStoreRef": { "name": "vault", "kind": "SecretStore" },
            "data": [{ "secretKey": "password", "remoteRef": { "key": "app/db", "property": "password" } }],
        },
    });
    // YAML is a superset of JSON.
    let manifests = stage.write("vault.yaml", &format!("{store}\n---\n{secret}\n"))?.display().to_string();
    let clusters = stage.path("clusters.yaml").display().to_string();
    stage.pawl(&["apply", "--clusters", "--file", &clusters, "--file", &manifests]).await?.well()?;
    stage.settled().await
}

async fn write(vault: &VaultDouble, password: &str) -> Result<()> {
    let body: Value = json!({ "data": { "password": password } });
    let (status, answer) = vault.api()?.call("POST", "secret/data/app/db", Some(&body)).await?;
    assert_eq!(status, 200, "{answer}");
    Ok(())
}

fn holds(stage: &Stage, password: &str) -> bool {
    let Some(cluster) = stage.find("blue") else { return false };
    cluster.secret_value("shop", "db", "password").as_deref() == Some(password.as_bytes())
}

/// Where the server says that it takes audit records over TCP.
fn listens_at(log: &str) -> SocketAddr {
    let mark = "pawl takes audit records at tcp://";
    let told = log.lines().find_map(|line| line.strip_prefix(mark));
    told.and_then(|address| address.parse().ok()).unwrap_or_else(|| panic!("no address: {log}"))
}
