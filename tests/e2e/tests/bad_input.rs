//! Whatever is wrong is said in one line that names it and what to do, and what is right beside it is done.

#![expect(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

use pawl_devcluster::User;
use pawl_e2e::{Ran, Result, Stage, shows};
use serde_json::Value;

/// Stands in the store under `app/db`, as `password`.
const PASSWORD: &str = "canary0123456789abcdef";

const STORE: &str = "
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: { name: aws }
spec: { provider: { aws: { service: SecretsManager, region: eu-central-1 } } }
";

/// A declaration that would do.
fn declaration(name: &str) -> String {
    format!(
        "---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {{ name: {name}, namespace: shop, annotations: {{ pawl.dev/clusters: blue }} }}
spec:
  secretStoreRef: {{ kind: ClusterSecretStore, name: aws }}
  data: [{{ secretKey: password, remoteRef: {{ key: app/db, property: password }} }}]
"
    )
}

#[tokio::test]
async fn a_bad_declaration_fails_alone_and_says_why() -> Result<()> {
    let stage = stage().await?;
    for (number, (case, part, instead, said)) in [
        ("a field with a typo", "key: app", "kye: app", "spec.data[0].remoteRef.kye: unknown field"),
        ("an unknown store", "name: aws", "name: azure", "could not get ClusterSecretStore \"azure\""),
        ("a secret that is gone", "app/db", "app/gone", "app/gone"),
        (
            "a missing property",
            "property: password",
            "property: pass",
            "key pass does not exist in secret app/db; correct the property",
        ),
        (
            "a missing namespace",
            "namespace: shop",
            "namespace: nowhere",
            "namespace nowhere does not exist in cluster blue; create it",
        ),
        ("an unknown cluster", "clusters: blue", "clusters: grey", "cluster grey is not known"),
        ("a cluster that is down", "clusters: blue", "clusters: green", "cluster green cannot be reached"),
        (
            "a write that is not allowed",
            "clusters: blue",
            "clusters: red",
            "not allowed to create secrets; grant it as infra/kubernetes/rbac.yaml does",
        ),
        ("no YAML", "spec:\n", "spec: {\n", "is not valid YAML"),
    ]
    .into_iter()
    .enumerate()
    {
        let (good, bad) = (format!("good-{number}"), declaration(&format!("bad-{number}")));
        assert!(bad.contains(part), "{case}");
        let manifests = format!("{STORE}{}{}", declaration(&good), bad.replacen(part, instead, 1));
        let file = stage.write("manifests.yaml", &manifests)?.display().to_string();
        let ran = stage.pawl(&["apply", "--file", &file, "--now", "--output", "json"]).await?;

        assert_eq!(ran.code, 1, "{case}: {ran:?}");
        let complaints = complaints(&ran);
        assert!(complaints.iter().any(|complaint| complaint.contains(said)), "{case}: {complaints:#?}");
        assert!(complaints.iter().all(|complaint| !complaint.contains('\n')), "{case}: {complaints:#?}");
        assert!(!complaints.iter().any(|complaint| complaint.contains(&good)), "{case}: {complaints:#?}");
        let written = stage.clusters()[0].secret_value("shop", &good, "password");
        assert_eq!(written.as_deref(), Some(PASSWORD.as_bytes()), "{case}: what stands beside it is written");
        assert!(!shows(&ran.stdout, PASSWORD) && !shows(&ran.stderr, PASSWORD), "{case}: a value is shown");
    }
    Ok(())
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_refused_in_one_line() -> Result<()> {
    let stage = Stage::start(&[]).await?;
    let oversized = format!(r#"{{"filling":"{}"}}"#, "x".repeat(1024 * 1024));
    for (case, event, said) in [
        ("empty", "", "pawl: malformed event: the JSON ends too early"),
        ("no JSON", "{ canary", "pawl: malformed event: it is not JSON"),
        ("of nobody", r#"{"canary":1}"#, "pawl: unknown event: "),
        ("a manifest", include_str!("../../../events/bad/kubernetes-manifest.json"), "pawl: unknown event: "),
        (
            "of an unknown type",
            include_str!("../../../events/bad/unknown-detail-type.json"),
            "pawl: unknown event: ",
        ),
        (
            "without a name",
            include_str!("../../../events/bad/native-without-name.json"),
            "pawl: malformed event: ",
        ),
        ("oversized", &oversized, "pawl: malformed event: 1048590 bytes are more than an event can have"),
    ] {
        let file = stage.write("event.json", event)?.display().to_string();
        for verb in ["explain", "sync"] {
            let ran = stage.pawl(&[verb, &file]).await?;
            assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{verb} {case}: {ran:?}");
            assert!(ran.stderr.starts_with(said), "{verb} {case}: {ran:?}");
            let behind: Vec<_> = ran.stderr.lines().skip(1).collect();
            assert!(
                behind.len() <= 1 && behind.iter().all(|line| line.starts_with("hint: ")),
                "{verb} {case}: {ran:?}"
            );
            assert!(!ran.stderr.contains("canary"), "{verb} {case} quotes the event: {ran:?}");
        }
    }
    Ok(())
}

/// Cluster `blue` is well, `green` is down, and in `red` Pawl may look at Secrets and nothing more.
async fn stage() -> Result<Stage> {
    let stage = Stage::start(&["blue", "green", "red"]).await?;
    let value = format!(r#"{{"password":"{PASSWORD}"}}"#);
    stage.aws().create_secret("eu-central-1", "app/db", &value).await?;
    for cluster in stage.clusters() {
        let namespace =
            serde_json::json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop" } });
        cluster.put(namespace)?;
    }
    stage.clusters()[1].cut_off().await.unwrap();
    stage.clusters()[2].add_token("weak", User::new("weak").allow(&["get"], &["secrets"], &[]));
    stage.write("red.token", "weak")?;
    let clusters = stage.path("clusters.yaml").display().to_string();
    stage.pawl(&["apply", "--clusters", "--file", &clusters]).await?.well()?;
    Ok(stage)
}

/// What an apply found wrong: with the manifests, and with what it did.
fn complaints(ran: &Ran) -> Vec<String> {
    let applied: Value = serde_json::from_str(&ran.stdout).unwrap_or_default();
    let list = |field: &str| applied[field].as_array().cloned().unwrap_or_default();
    let text = |value: &Value, field: &str| value[field].as_str().unwrap_or_default().to_owned();
    let failed = list("objects").into_iter().filter(|row| !row["message"].is_null());
    let failed = failed.map(|row| format!("{}: {}", text(&row, "object"), text(&row, "message")));
    let problems = list("problems").into_iter();
    let problems = problems
        .map(|it| format!("{}: {}: {}", text(&it, "object"), text(&it, "field"), text(&it, "message")));
    failed.chain(problems).collect()
}
