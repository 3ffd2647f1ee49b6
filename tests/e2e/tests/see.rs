//! The commands that look, on a rotation whose event is lost at first: each beside a running `pawl serve`, none shows a value.

#![expect(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

use pawl_e2e::examples::{self, WITH_SERVICE_ACCOUNT};
use pawl_e2e::{LIMIT, Ran, Result, Server, Stage, binary, shows};
use pawl_servers::process::clean_command;
use serde_json::{Value, json};

/// A server that does nothing on a schedule of its own.
const QUIET: [&str; 4] = ["--sweep", "24h", "--index", "24h"];
const DECLARATION: &str = "blue/my-application/database-credentials";

/// A stage with the examples' secrets, and all values that were ever in them.
struct Scene {
    stage: Stage,
    values: Vec<String>,
}

impl Scene {
    async fn start() -> Result<Self> {
        let stage = Stage::start(&["blue"]).await?;
        examples::furnish(&stage)?;
        let password = examples::password();
        for example in examples::ALL {
            example.create(&stage, &password).await?;
        }
        stage.write("examples.yaml", examples::MANIFESTS)?;
        Ok(Self { stage, values: vec![password] })
    }

    /// Runs `pawl` and fails where it shows a value.
    async fn pawl(&self, command: &str) -> Result<Ran> {
        let path = |word: &str| match word {
            "clusters.yaml" | "examples.yaml" => self.stage.path(word).display().to_string(),
            word => word.to_owned(),
        };
        let words: Vec<String> = command.split_whitespace().map(path).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let ran = self.stage.pawl(&words).await?;
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!self.values.iter().any(|value| shows(&said, value)), "{command}: a value is shown");
        Ok(ran)
    }

    /// The same of a command that goes well.
    async fn well(&self, command: &str) -> Result<String> {
        self.pawl(command).await?.well()
    }

    async fn json(&self, command: &str) -> Result<Value> {
        let ran = self.pawl(&format!("{command} --output json")).await?;
        Ok(serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{command}: {error}: {ran:?}")))
    }

    async fn apply(&self) -> Result<()> {
        self.well("apply --clusters -f clusters.yaml -f examples.yaml").await?;
        self.stage.settled().await
    }
}

/// What `pawl explain` has in the row of this name.
fn row<'a>(explained: &'a Value, what: &str) -> &'a str {
    let rows = explained.as_array().into_iter().flatten();
    let mut rows = rows.filter(|row| row["what"] == what);
    rows.next().and_then(|row| row["is"].as_str()).unwrap_or_default()
}

#[tokio::test]
async fn a_lost_event_is_explained_its_difference_shown_and_its_history_kept() -> Result<()> {
    let mut scene = Scene::start().await?;
    let server = Server::start(&scene.stage, &QUIET).await?;

    let planned = scene.json("plan -f examples.yaml -f clusters.yaml --clusters").await?;
    let unseen = planned["targets"].as_array().into_iter().flatten().all(|it| it["change"] == "unknown");
    assert!(unseen, "its cluster is not registered yet: {planned}");
    scene.well("apply --clusters -f clusters.yaml").await?;
    let planned = scene.json("plan -f examples.yaml").await?;
    let created: Vec<_> = planned["targets"].as_array().into_iter().flatten().collect();
    assert!(created.len() == 2 && created.iter().all(|it| it["change"] == "create"), "{planned}");
    assert_eq!(scene.pawl("diff blue").await?.code, 1, "nothing is registered there");
    scene.apply().await?;
    let planned = scene.well("plan -f examples.yaml").await?;
    assert!(planned.contains("targets: 0 create, 0 change, 0 delete, 2 as they stand"), "{planned}");
    let same = scene.pawl("diff blue").await?;
    assert!(same.code == 0, "{same:?}");
    let well = scene.json(&format!("explain {DECLARATION}")).await?;
    assert_eq!(row(&well, "answer"), "nothing is to be updated: it stands on what its stores give out");
    assert!(row(&well, "target as it stands").contains("as it was left; keys password, username"), "{well}");

    // The event of a rotation is lost.
    scene.values.push(examples::password());
    let version = WITH_SERVICE_ACCOUNT.rotate(&scene.stage, &scene.values[1]).await?;
    let stale = scene.json(&format!("explain {DECLARATION}")).await?;
    let given = format!("and the store gives out version {}: no event has told of it yet;", version.version);
    assert!(row(&stale, "answer").contains(&given), "{stale}");
    let offline = scene.json(&format!("explain {DECLARATION} --offline")).await?;
    assert!(row(&offline, "answer").contains("as far as the ledger knows"), "{offline}");
    let ran = scene.pawl("diff blue/my-application").await?;
    assert_eq!(ran.code, 1, "{ran:?}");
    let differing = scene.json(&format!("diff {DECLARATION}")).await?;
    let target = &differing["targets"][0];
    assert_eq!(
        (&target["change"], &target["target"]),
        (&json!("change"), &json!("Secret database-credentials"))
    );
    let keys = target["keys"].as_array().cloned().unwrap_or_default();
    let data: Vec<_> = keys.iter().filter(|key| key["part"] == "data").collect();
    assert!(data.len() == 1 && data[0]["key"] == "password", "only what changed: {differing}");
    assert!(data[0]["stands"].is_string() && data[0]["stands"] != data[0]["becomes"], "{differing}");

    // It comes after all.
    assert_eq!(server.send(&WITH_SERVICE_ACCOUNT.event(&version)).await?.status, 200);
    assert_eq!(scene.pawl("diff blue").await?.code, 0);
    let history = scene.json(&format!("history {DECLARATION}")).await?;
    let causes: Vec<_> = history.as_array().into_iter().flatten().map(|it| it["cause"].clone()).collect();
    assert_eq!(causes, [json!("event"), json!("edit")], "the newest first: {history}");
    assert_eq!(history[0]["keys"][0], json!({ "key": WITH_SERVICE_ACCOUNT.key, "version": version.version }));
    let metrics = server.metrics().await?;
    assert_eq!(metrics.count("pawl_writes_total", &[("cause", "event")]), 1);

    let status = scene.well("status").await?;
    assert_eq!(status.lines().count(), 11, "headings and ten lines: {status}");
    assert!(status.contains("2 in 1 clusters") && status.contains("(1 in 24 hours)"), "{status}");
    Ok(())
}

/// Asks as a rotation function would. Returns how that ended, and what it said.
async fn asked_by_a_rotation(scene: &Scene, version: &str) -> (bool, String) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/rotation");
    let script = "import sys; from pawl_wait import require_everywhere as ask; \
                  ask(sys.argv[2], version=sys.argv[3], timeout=0, pawl=sys.argv[1])";
    let mut python = tokio::process::Command::from(clean_command("python3"));
    python.args(["-B", "-c", script]).arg(binary("pawl").unwrap()).args([WITH_SERVICE_ACCOUNT.key, version]);
    python.env("PYTHONPATH", folder).envs(scene.stage.environment()).kill_on_drop(true);
    let output = tokio::time::timeout(LIMIT, python.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!scene.values.iter().any(|value| shows(&said, value)), "a value is shown");
    (output.status.success(), said)
}

#[tokio::test]
async fn a_rotation_function_is_told_who_stands_on_the_old_password() -> Result<()> {
    let mut scene = Scene::start().await?;
    let server = Server::start(&scene.stage, &QUIET).await?;
    scene.apply().await?;
    scene.values.push(examples::password());
    let version = WITH_SERVICE_ACCOUNT.rotate(&scene.stage, &scene.values[1]).await?;
    let (well, said) = asked_by_a_rotation(&scene, &version.version).await;
    assert!(!well && said.contains(&format!("StillInUse: {DECLARATION}: it stands on ")), "{said}");
    assert_eq!(server.send(&WITH_SERVICE_ACCOUNT.event(&version)).await?.status, 200);
    let (well, said) = asked_by_a_rotation(&scene, &version.version).await;
    assert!(well, "{said}");
    let (well, said) = asked_by_a_rotation(&scene, "another").await;
    assert!(!well && said.contains("StillInUse"), "{said}");
    Ok(())
}

#[tokio::test]
async fn what_nobody_reads_and_nobody_owns_is_reported() -> Result<()> {
    let mut scene = Scene::start().await?;
    scene.values.push(examples::password());
    scene.stage.aws().create_secret("eu-central-1", "left/over", &scene.values[1]).await?;
    let cluster = &scene.stage.clusters()[0];
    cluster.put(json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "orphan",
            "namespace": "my-application",
            "labels": { "reconcile.external-secrets.io/managed": "true" },
        },
    }))?;
    let server = Server::start(&scene.stage, &QUIET).await?;
    scene.apply().await?;
    drop(server);
    let report = scene.pawl("report -o csv").await?;
    assert_eq!(report.code, 0, "{report:?}");
    for line in
        ["unread key,left/over,", "Secret without owner,my-application/orphan,cluster blue,", "wide access,"]
    {
        assert!(report.stdout.lines().any(|it| it.starts_with(line)), "{line}: {report:?}");
    }
    assert!(!report.stdout.contains("my-application/database,"), "it is read: {report:?}");
    let old = scene.json("report --older-than 0").await?;
    let old: Vec<_> =
        old.as_array().into_iter().flatten().filter(|it| it["finding"] == "old value").collect();
    assert_eq!(old.len(), 2, "both that are read: {old:?}");
    Ok(())
}

#[tokio::test]
async fn results_come_in_the_form_that_is_asked_for() -> Result<()> {
    let scene = Scene::start().await?;
    let server = Server::start(&scene.stage, &QUIET).await?;
    scene.apply().await?;
    drop(server);
    let names = "blue/default/database-credentials-secret\nblue/my-application/database-credentials\n";
    assert_eq!(scene.well("get -o name").await?, names);
    assert_eq!(scene.well("get -o name --selector !team").await?, names);
    assert_eq!(scene.well("get -o name -l team=shop").await?, "");
    let refused = scene.pawl("get stores -l team=shop").await?;
    assert!(refused.code == 2 && refused.stderr.contains("--selector looks at labels"), "{refused:?}");
    let csv = scene.well("get -o csv").await?;
    assert!(csv.starts_with("DECLARATION,TARGET,KEYS,STATE,REFRESHED,MESSAGE\n"), "{csv}");
    let table = scene.well("get").await?;
    assert!(!table.contains('\u{1b}'), "no colour where nobody looks: {table:?}");
    Ok(())
}
