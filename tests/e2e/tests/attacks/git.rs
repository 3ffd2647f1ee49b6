//! One team's pipeline reaches for another team's objects.

use super::{STORE, Scene};
use pawl_e2e::{Form, REGION, Result, Rhythm, Stage};

fn theirs(key: &str) -> String {
    format!(
        "---\napiVersion: external-secrets.io/v1\nkind: ExternalSecret\n\
         metadata: {{ name: swift, namespace: bank }}\nspec:\n  \
         secretStoreRef: {{ kind: ClusterSecretStore, name: aws }}\n  \
         data: [{{ secretKey: key, remoteRef: {{ key: {key} }} }}]\n"
    )
}

const OWN: &str = "---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: { name: own, namespace: evil }
spec:
  secretStoreRef: { kind: ClusterSecretStore, name: aws }
  data: [{ secretKey: key, remoteRef: { key: evil/own } }]
";

pawl_e2e::in_both_forms!(a_pipeline_neither_prunes_nor_edits_what_another_team_applied);

async fn a_pipeline_neither_prunes_nor_edits_what_another_team_applied(form: Form) -> Result<()> {
    let mut scene = Scene::begun(form, Rhythm::default()).await?;
    let stage = &scene.stage;
    stage.aws().create_secret(REGION, "evil/own", "chosen by the attacker").await?;
    let file = |text: &str| stage.write("evil.yaml", text).map(|path| path.display().to_string());

    let own = file(OWN)?;
    let nameless = stage.pawl(&["apply", "--prune", "-f", &own]).await?;
    assert_eq!(nameless.code, 2, "a prune needs a set: {nameless:?}");
    for flags in
        [&["--set", "evil", "--prune", "--prune-most"][..], &["--set", "default", "--prune", "--prune-most"]]
    {
        let arguments = [&["apply", "-f", &own, "--cluster", "blue"], flags].concat();
        stage.pawl(&[&arguments[..], &["--dry-run"]].concat()).await?;
        // The second set does not even get the attacker's own object, which belongs to the first.
        stage.pawl(&arguments).await?;
        assert!(scene.neighbour.holds(stage), "{flags:?}");
        assert!(stage.pawl(&["get"]).await?.well()?.contains("blue/bank/swift"));
    }

    let edited_text = format!("{STORE}{}", theirs("evil/own"));
    let edited = file(&edited_text)?;
    for flags in [&["--set", "evil"][..], &[]] {
        let arguments = [&["apply", "-f", &edited, "--cluster", "blue", "--now"], flags].concat();
        let refused = stage.pawl(&arguments).await?;
        assert_eq!(refused.code, 1, "{refused:?}");
        assert!(refused.stdout.contains("it belongs to set bank"), "{}", refused.stdout);
    }
    if let Some(functions) = scene.pawl.functions() {
        // The function is asked the same, without and with a set of the attacker's.
        let summary = functions.index(&edited_text, &["blue"]).await?;
        assert!(summary["failed"].to_string().contains("it belongs to set bank"), "{summary}");
        let request = serde_json::json!({ "manifests": OWN, "clusters": ["blue"], "set": "evil", "prune": true, "pruneMost": true });
        functions.lambda.invoke("index", &request).await?;
        assert!(scene.neighbour.holds(stage));
    }
    scene.rotates().await?;
    Ok(())
}

#[tokio::test]
async fn a_folder_that_came_out_empty_removes_nothing() -> Result<()> {
    let stage = Stage::start(&["blue"]).await?;
    let clusters = stage.path("clusters.yaml").display().to_string();
    stage.pawl(&["apply", "--clusters", "-f", &clusters]).await?.well()?;
    let of = |number: usize| OWN.replace("name: own", &format!("name: own-{number}"));
    let all: String = (0..12).map(of).collect();
    let all = stage.write("all.yaml", &format!("{STORE}{all}"))?.display().to_string();
    let one = stage.write("one.yaml", &format!("{STORE}{}", of(0)))?.display().to_string();
    stage.pawl(&["apply", "--set", "evil", "-f", &all]).await?.well()?;
    let prune = ["apply", "--set", "evil", "--prune", "-f", &one];
    let stopped = stage.pawl(&prune).await?;
    assert_eq!(stopped.code, 1);
    assert!(stopped.stdout.contains("11 of the 13 objects of set evil would go"), "{}", stopped.stdout);
    assert!(stage.pawl(&["get"]).await?.well()?.contains("own-11"));
    let meant = stage.pawl(&[&prune[..], &["--prune-most", "--dry-run"]].concat()).await?.well()?;
    assert_eq!(meant.matches("would be removed").count(), 11, "{meant}");
    assert!(stage.pawl(&["get"]).await?.well()?.contains("own-11"), "a dry run removes nothing");
    stage.pawl(&[&prune[..], &["--prune-most"]].concat()).await?.well()?;
    assert!(!stage.pawl(&["get"]).await?.well()?.contains("own-11"));
    Ok(())
}
