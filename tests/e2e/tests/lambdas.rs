//! The functions as they are deployed: real binaries under the Lambda emulator, with DynamoDB, SQS, EventBridge and
//! Secrets Manager of moto, and two embedded clusters.

use pawl_devcluster::{DevCluster, Fault, Rule, tally};
use pawl_e2e::examples::{self, WITH_SERVICE_ACCOUNT};
use pawl_e2e::{Functions, REGION, Result, Stage, shows, until};
use pawl_servers::StoredSecret;
use serde_json::json;
use std::collections::BTreeMap;

const CLUSTERS: [&str; 2] = ["blue", "green"];

#[tokio::test]
async fn declarations_become_secrets_and_follow_a_rotation_at_the_least_cost() -> Result<()> {
    let mut scene = Scene::open().await?;

    scene.stage.reset_calls();
    let again = scene.index().await?;
    assert_eq!((&again["changed"], &again["unchanged"]), (&json!(0), &json!(4)), "{again}");
    scene.functions.idle(&scene.stage).await?;
    assert_eq!((scene.cluster_calls(), scene.store_calls()), (calls(&[]), calls(&[])), "nothing was new");

    // The first rotation makes the function's connections and identities, the second uses them.
    scene.rotate_and_see().await?;
    scene.stage.reset_calls();
    scene.rotate_and_see().await?;
    assert_eq!(
        scene.store_calls(),
        calls(&[("GetSecretValue", 2)]),
        "one for each cluster's service account"
    );
    assert_eq!(scene.cluster_calls(), calls(&[("patch secrets", 2)]), "one for each cluster");
    scene.close().await
}

#[tokio::test]
async fn events_that_come_twice_or_late_change_nothing() -> Result<()> {
    let mut scene = Scene::open().await?;
    let older = scene.rotate().await?;
    let (newer, password) = (scene.rotate().await?, scene.password());
    scene.announce(&newer).await?;
    scene.arrives(&password).await?;

    scene.stage.reset_calls();
    scene.announce(&newer).await?;
    scene.functions.idle(&scene.stage).await?;
    assert_eq!(
        (scene.cluster_calls(), scene.store_calls()),
        (calls(&[]), calls(&[])),
        "the event came twice"
    );

    scene.announce(&older).await?;
    scene.functions.idle(&scene.stage).await?;
    assert_eq!(scene.cluster_calls(), calls(&[]), "an event of an older version came late");
    scene.arrives(&password).await?;
    scene.close().await
}

#[tokio::test]
async fn a_cluster_that_was_cut_off_is_written_when_it_is_back() -> Result<()> {
    let mut scene = Scene::open().await?;
    let before = scene.password();
    let green = &scene.stage.clusters()[1];
    green.cut_off().await.unwrap();

    let version = scene.rotate().await?;
    let password = scene.password();
    scene.announce(&version).await?;
    scene.arrives_in("blue", &password).await?;
    let tries = scene.functions.to_deliver.invocations();
    until("another try of the job", async || {
        (scene.functions.to_deliver.invocations() > tries).then_some(())
    })
    .await?;
    assert!(scene.holds("green", &before), "a cluster that is cut off is not written");

    scene.stage.clusters()[1].restore().await.unwrap();
    scene.arrives_in("green", &password).await?;
    scene.close().await
}

/// By itself the queue hides it for ten minutes.
#[tokio::test]
async fn an_event_that_meets_a_throttled_table_comes_again_when_its_function_says() -> Result<()> {
    let mut scene = Scene::open().await?;
    let (before, version) = (scene.password(), scene.rotate().await?);
    let tried = scene.functions.to_sync.invocations();
    scene.stage.meter().throttle(&["Query", "GetItem", "BatchGetItem"]);
    scene.announce(&version).await?;
    let failed = async || (scene.functions.to_sync.invocations() > tried).then_some(());
    until("a try in vain", failed).await?;
    assert!(CLUSTERS.iter().all(|cluster| scene.holds(cluster, &before)), "nobody could look it up");
    scene.stage.meter().throttle(&[]);
    scene.arrives(&scene.password()).await?;
    scene.close().await
}

#[tokio::test]
async fn what_cannot_be_read_is_done_with_and_hurts_nothing_beside_it() -> Result<()> {
    let mut scene = Scene::open().await?;
    let done = (scene.functions.to_sync.deleted(), scene.functions.to_deliver.deleted());
    let aws = scene.stage.aws().clone();
    for body in ["{ no JSON", "17", r#"{"source":"nobody","detail-type":"Nothing","detail":{}}"#] {
        aws.send_message(&scene.functions.events, body).await?;
    }
    aws.send_message(&scene.functions.jobs, r#"{"declarations":"all"}"#).await?;
    scene.rotate_and_see().await?;
    assert_eq!(scene.functions.to_sync.deleted(), done.0 + 4, "three bad messages and the event");
    assert_eq!(scene.functions.to_deliver.deleted(), done.1 + 1);
    let log = scene.functions.lambda.log("sync");
    assert_eq!(log.matches("event dropped").count(), 3, "{log}");
    assert!(!log.contains("nobody"), "a body is in the log");
    scene.close().await
}

#[tokio::test]
async fn a_function_that_is_killed_in_the_middle_loses_nothing() -> Result<()> {
    let mut scene = Scene::open_hiding("2").await?;
    let before = scene.password();
    let hanging = scene.stage.clusters()[0].faults().add(Rule::new(Fault::Hang).method("PATCH"));
    let version = scene.rotate().await?;
    let done = scene.functions.to_sync.deleted();
    let password = scene.password();
    scene.announce(&version).await?;
    let faults = scene.stage.clusters()[0].faults();
    until("the hanging of the write", async || (faults.hits(hanging) > 0).then_some(())).await?;
    let tried = scene.functions.to_sync.invocations();
    scene.kill("sync");
    let failed = async || (scene.functions.to_sync.invocations() > tried).then_some(());
    until("Lambda's noticing that the function is gone", failed).await?;
    assert!(scene.holds("blue", &before), "the write was not done yet");
    assert_eq!(scene.functions.to_sync.deleted(), done, "the event is not acknowledged");

    scene.stage.clusters()[0].faults().remove(hanging);
    scene.functions.lambda.launch("sync")?;
    scene.arrives(&password).await?;
    scene.functions.idle(&scene.stage).await?;
    assert_eq!(
        scene.functions.to_sync.deleted(),
        done + 1,
        "the event came again, and was acknowledged then"
    );
    scene.close().await
}

#[tokio::test]
async fn a_lost_event_is_found_by_the_sweep() -> Result<()> {
    let mut scene = Scene::open().await?;
    let sweep =
        async |scene: &Scene, all: bool| scene.functions.lambda.invoke("sweep", &json!({ "all": all })).await;
    let first = sweep(&scene, false).await?;
    assert_eq!((&first["listed"], &first["written"]), (&json!(3), &json!(0)), "{first}");

    scene.rotate().await?;
    let password = scene.password();
    let rested = sweep(&scene, false).await?;
    assert_eq!(
        (&rested["listed"], &rested["rested"]),
        (&json!(0), &json!(3)),
        "the interval is an hour: {rested}"
    );

    scene.stage.reset_calls();
    let swept = sweep(&scene, true).await?;
    assert_eq!((&swept["written"], &swept["failed"]), (&json!(2), &json!(0)), "{swept}");
    scene.arrives(&password).await?;
    let asked = scene.store_calls();
    assert_eq!(asked.get("GetSecretValue"), Some(&2), "only what changed is fetched: {asked:?}");
    assert_eq!(scene.cluster_calls().get("patch secrets"), Some(&2));

    let idle = sweep(&scene, true).await?;
    assert_eq!(idle["written"], 0, "{idle}");
    scene.close().await
}

/// The functions with the first examples in their registry, written to both clusters.
struct Scene {
    stage: Stage,
    functions: Functions,
    passwords: Vec<String>,
    /// What functions logged that were killed since.
    log: String,
}

impl Scene {
    async fn open() -> Result<Self> {
        Self::open_hiding(Functions::VISIBILITY).await
    }

    /// An event whose function ends without an answer comes again after so many seconds.
    async fn open_hiding(seconds: &str) -> Result<Self> {
        let stage = Stage::start(&CLUSTERS).await?;
        examples::furnish(&stage)?;
        let mut passwords = Vec::new();
        for example in examples::ALL {
            passwords.push(examples::password());
            example.create(&stage, &passwords[passwords.len() - 1]).await?;
        }
        let functions = Functions::deploy_hiding(&stage, seconds).await?;
        let clusters = std::fs::read_to_string(stage.path("clusters.yaml")).unwrap_or_default();
        functions.declare(&stage, &clusters).await?;
        let scene = Self { stage, functions, passwords, log: String::new() };
        let summary = scene.index().await?;
        assert_eq!((&summary["changed"], &summary["failed"]), (&json!(4), &json!([])), "{summary}");
        for (example, password) in examples::ALL.iter().zip(&scene.passwords) {
            let everywhere = || CLUSTERS.iter().all(|cluster| example.holds(&scene.stage, cluster, password));
            until("the first writing of all Secrets", async || everywhere().then_some(())).await?;
        }
        scene.functions.idle(&scene.stage).await?;
        Ok(Self { passwords: scene.passwords.iter().rev().cloned().collect(), ..scene })
    }

    async fn index(&self) -> Result<serde_json::Value> {
        self.functions.index(examples::MANIFESTS, &CLUSTERS).await
    }

    /// The password of [`WITH_SERVICE_ACCOUNT`] that is in its store now.
    fn password(&self) -> String {
        self.passwords.last().cloned().unwrap_or_default()
    }

    /// A new password in the store, of which nobody is told.
    async fn rotate(&mut self) -> Result<StoredSecret> {
        self.passwords.push(examples::password());
        WITH_SERVICE_ACCOUNT.rotate(&self.stage, &self.password()).await
    }

    /// The event of a rotation, on the bus.
    async fn announce(&self, version: &StoredSecret) -> Result<()> {
        Ok(self.stage.aws().put_events(REGION, &[WITH_SERVICE_ACCOUNT.event(version)]).await?)
    }

    async fn rotate_and_see(&mut self) -> Result<()> {
        let version = self.rotate().await?;
        self.announce(&version).await?;
        self.arrives(&self.password()).await?;
        self.functions.idle(&self.stage).await
    }

    fn holds(&self, cluster: &str, password: &str) -> bool {
        WITH_SERVICE_ACCOUNT.holds(&self.stage, cluster, password)
    }

    async fn arrives_in(&self, cluster: &str, password: &str) -> Result<()> {
        let what = format!("the arrival of the password in {cluster}");
        until(&what, async || self.holds(cluster, password).then_some(())).await.map(drop)
    }

    async fn arrives(&self, password: &str) -> Result<()> {
        for cluster in CLUSTERS {
            self.arrives_in(cluster, password).await?;
        }
        Ok(())
    }

    fn kill(&mut self, function: &str) {
        self.log += &self.functions.lambda.log(function);
        self.functions.lambda.kill(function);
    }

    fn cluster_calls(&self) -> BTreeMap<String, usize> {
        let calls: Vec<_> = self.stage.clusters().iter().flat_map(DevCluster::calls).collect();
        tally(&calls)
    }

    fn store_calls(&self) -> BTreeMap<String, usize> {
        self.stage.meter().store_calls()
    }

    /// Nothing is left undone, and no value shows anywhere.
    async fn close(self) -> Result<()> {
        self.functions.idle(&self.stage).await?;
        let log = self.log + &self.functions.logs();
        let table = Functions::table(&self.stage).await?;
        assert!(log.contains("change synced") || log.contains("swept"), "the logs were not found: {log}");
        assert!(table.contains(WITH_SERVICE_ACCOUNT.key), "the table was not read: {table}");
        for password in &self.passwords {
            assert!(!shows(&log, password), "a value is in a function's log");
            assert!(!shows(&table, password), "a value is in the table");
            assert!(!self.stage.meter().heard(password), "a value was sent to AWS");
        }
        Ok(())
    }
}

fn calls(expected: &[(&str, usize)]) -> BTreeMap<String, usize> {
    expected.iter().map(|&(call, count)| (call.to_owned(), count)).collect()
}
