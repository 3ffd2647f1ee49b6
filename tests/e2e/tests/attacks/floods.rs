//! Manifests of a few hundred bytes that ask for minutes of a processor, or for gigabytes.

use super::{SWEEPING, Scene};
use pawl_e2e::{Form, REGION, Result, Stage};
use serde_json::Value;
use std::time::{Duration, Instant};

/// How soon a neighbour's rotation must arrive meanwhile. It takes milliseconds; this is a build without optimisation, on a
/// machine that does other things as well. Without bounds it took more than a minute.
const PROMPT: Duration = Duration::from_secs(8);
/// How much memory the server may ever have had. Without bounds it was 4 GB, and then the server was gone.
const MOST_MEMORY: u64 = 600 << 20;

/// The case, the part of the spec that asks for too much, and whether its failure is waited for: one call of cryptography cannot
/// be cut short, and without optimisation a key of RSA takes many seconds. Those come last, for a namespace renders one
/// after the other.
fn cases() -> Vec<(&'static str, String, bool)> {
    let template = |text: &str| {
        format!(
            "  target: {{ template: {{ data: {{ x: '{text}' }} }} }}\n  \
             data: [{{ secretKey: a, remoteRef: {{ key: evil/k }} }}]\n"
        )
    };
    let rewrites = |steps: usize, target: &str| {
        let step = format!("{{ regexp: {{ source: '^(.*)$', target: '{target}' }} }}");
        let steps = vec![step; steps].join(", ");
        format!("  dataFrom: [{{ extract: {{ key: evil/object }}, rewrite: [{steps}] }}]\n")
    };
    let doubled = r#"{{ $s := "x" }}{{ range until 60 }}{{ $s = printf "%s%s" $s $s }}{{ end }}{{ $s }}"#;
    let listed = "{{ $l := list 1 }}{{ range until 200 }}{{ $l = concat $l $l }}{{ end }}";
    let derived = r#"{{ range until 10000 }}{{ derivePassword 1 "long" "x" "y" "z" }}{{ end }}"#;
    vec![
        ("lists", template(listed), true),
        ("strings", template(doubled), true),
        ("names-24", rewrites(24, "$1$1$1$1"), true),
        ("names-3", rewrites(3, &"$1".repeat(4000)), true),
        ("bcrypt", template(r#"{{ range until 10000 }}{{ bcrypt "x" }}{{ end }}"#), true),
        ("derive", template(derived), true),
        ("genca", template(r#"{{ range until 1000 }}{{ $c := genCA "x" 1 }}{{ end }}"#), false),
        ("genrsa", template(KEYS), false),
    ]
}

/// Keys of RSA, a thousand.
const KEYS: &str = r#"{{ range until 1000 }}{{ genPrivateKey "rsa" }}{{ end }}"#;

fn manifest(name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: external-secrets.io/v1\nkind: ExternalSecret\n\
         metadata: {{ name: {name}, namespace: evil }}\nspec:\n  refreshInterval: 1s\n  \
         secretStoreRef: {{ kind: ClusterSecretStore, name: aws }}\n{spec}"
    )
}

async fn row(stage: &Stage, name: &str) -> Result<Option<Value>> {
    let said = stage
        .pawl(&["get", "declarations", &format!("blue/evil/{name}"), "--output", "json"])
        .await?
        .well()?;
    let rows: Vec<Value> = serde_json::from_str(&said).unwrap_or_default();
    Ok(rows.into_iter().find(|row| row["declaration"] == format!("blue/evil/{name}")))
}

/// Waits for the failure of a rendering.
async fn failure(stage: &Stage, name: &str) -> Result<Value> {
    let began = Instant::now();
    loop {
        let row = row(stage, name).await?.unwrap_or_default();
        if row["state"].as_str().is_some_and(|state| state.starts_with("failed (PAWL-RENDER-")) {
            return Ok(row);
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{name} does not fail: {row}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

pawl_e2e::in_both_forms!(
    a_manifest_that_costs_too_much_fails_alone_while_others_are_served,
    many_renderings_that_take_long_hold_nobody_up,
);

async fn a_manifest_that_costs_too_much_fails_alone_while_others_are_served(form: Form) -> Result<()> {
    let mut scene = Scene::begun(form, SWEEPING).await?;
    scene.stage.aws().create_secret(REGION, "evil/k", &"a".repeat(4000)).await?;
    scene.stage.aws().create_secret(REGION, "evil/object", r#"{"k":"v"}"#).await?;
    let took = scene.rotates().await?;
    scene.figure("nothing", took);
    for (name, spec, fails_soon) in cases() {
        let applied = scene.applies(name, &manifest(name, &spec)).await?;
        if applied.code != 0 {
            // Refused as it stands, which costs nobody anything.
            assert!(applied.stdout.contains("error: "), "{name}: {applied:?}");
            continue;
        }
        let took = scene.rotates().await?;
        assert!(took < PROMPT, "{name}: the neighbour waited {took:?}");
        is_healthy(&scene, name).await?;
        scene.figure(name, took);
        if !fails_soon {
            continue;
        }
        let row = failure(&scene.stage, name).await?;
        assert!(row["message"].as_str().unwrap().len() < 1000, "{name}: {row}");
    }
    let peak = scene.pawl.peak_memory()?;
    assert!(peak < MOST_MEMORY, "{peak} bytes");
    Ok(())
}

async fn many_renderings_that_take_long_hold_nobody_up(form: Form) -> Result<()> {
    let mut scene = Scene::begun(form, SWEEPING).await?;
    scene.stage.aws().create_secret(REGION, "evil/k", "v").await?;
    let genrsa = format!(
        "  target: {{ template: {{ data: {{ x: '{KEYS}' }} }} }}\n  \
         data: [{{ secretKey: a, remoteRef: {{ key: evil/k }} }}]\n"
    );
    let all: String = (0..8).map(|number| manifest(&format!("cpu{number}"), &genrsa)).collect();
    scene.applies("cpu", &all).await?.well()?;
    for round in 1..=5 {
        let took = scene.rotates().await?;
        assert!(took < PROMPT, "the neighbour waited {took:?}");
        is_healthy(&scene, "keys").await?;
        scene.figure(&format!("eight manifests of keys, {round}"), took);
    }
    Ok(())
}

async fn is_healthy(scene: &Scene, name: &str) -> Result<()> {
    let Some(server) = scene.pawl.server() else { return Ok(()) };
    let began = Instant::now();
    assert_eq!(server.get("/healthz").await?.status, 200, "{name}");
    assert!(began.elapsed() < PROMPT, "{name}: health took {:?}", began.elapsed());
    Ok(())
}
