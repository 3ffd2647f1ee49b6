//! The functions as they are deployed: their binaries under the Lambda emulator, a table, queues, a rule.

use crate::{Error, Result, Stage, binary, events, until};
use pawl_servers::{LambdaEmulator, Queue, Service, SqsPoller};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;

/// Where everything of the deployment is.
pub const REGION: &str = "eu-central-1";

const TABLE: &str = "pawl";
const LEDGER_KEY: &str = "a key of this test, and of no other";
const FUNCTIONS: [&str; 4] = ["index", "sync", "deliver", "sweep"];

/// The deployment of `template.yaml` on a [`Stage`]. Dropping it ends its processes.
#[derive(Debug)]
pub struct Functions {
    /// Lambda, with the functions `index`, `sync`, `deliver` and `sweep`.
    pub lambda: Arc<LambdaEmulator>,
    /// Store events wait here for `sync`.
    pub events: Queue,
    /// Jobs wait here for `deliver`.
    pub jobs: Queue,
    /// Takes events to `sync`.
    pub to_sync: SqsPoller,
    /// Takes jobs to `deliver`.
    pub to_deliver: SqsPoller,
}

impl Functions {
    /// A message whose function ended without an answer comes again after this many seconds: longer than any test waits, so
    /// that one which comes again does so because its function says when.
    pub const VISIBILITY: &str = "600";

    /// Deploys onto a stage: on return everything can be invoked, and queues are polled.
    ///
    /// # Errors
    /// When a binary is missing or something does not come up.
    pub async fn deploy(stage: &Stage) -> Result<Self> {
        Self::deploy_hiding(stage, Self::VISIBILITY).await
    }

    /// The same; but an event whose function ended without an answer comes again after so many seconds.
    ///
    /// # Errors
    /// As for [`Functions::deploy`].
    pub async fn deploy_hiding(stage: &Stage, seconds: &str) -> Result<Self> {
        let aws = stage.aws();
        stage.create_table(TABLE).await?;
        let events = aws.create_queue(REGION, "events", &[("VisibilityTimeout", seconds)]).await?;
        let jobs = aws.create_queue(REGION, "jobs", &[("VisibilityTimeout", Self::VISIBILITY)]).await?;
        aws.put_rule_to_queue("secrets", &events::label_updated_pattern(), &events).await?;

        let mut environment = stage.environment();
        environment.retain(|(name, _)| name != "PAWL_DB");
        for (name, value) in [
            ("PAWL_TABLE", TABLE),
            ("PAWL_JOB_QUEUE_URL", &*jobs.url),
            ("PAWL_EVENT_QUEUE_URL", &*events.url),
            ("PAWL_LEDGER_KEY", LEDGER_KEY),
        ] {
            environment.push((name.to_owned(), value.to_owned()));
        }
        let environment: Vec<(&str, &str)> =
            environment.iter().map(|(name, value)| (&**name, &**value)).collect();
        let binaries = FUNCTIONS.map(|name| Ok((name, binary(&format!("pawl-{name}"))?)));
        let binaries = binaries.into_iter().collect::<Result<Vec<(&str, PathBuf)>>>()?;
        let lambda = Arc::new(LambdaEmulator::start(&binaries, &environment).await?);
        let poll = |queue: &Queue, function| {
            SqsPoller::start(aws.clone(), queue.clone(), Arc::clone(&lambda), function, 10)
        };
        let (to_sync, to_deliver) = (poll(&events, "sync"), poll(&jobs, "deliver"));
        Ok(Self { lambda, events, jobs, to_sync, to_deliver })
    }

    /// Takes manifests into the registry, as `pawl apply` in a pipeline would; answers with the function's summary.
    ///
    /// # Errors
    /// When the function fails.
    pub async fn index(&self, manifests: &str, clusters: &[&str]) -> Result<Value> {
        Ok(self.lambda.invoke("index", &json!({ "manifests": manifests, "clusters": clusters })).await?)
    }

    /// Declares clusters as an administrator does: by `pawl apply`, for no function may.
    ///
    /// # Errors
    /// When that fails.
    pub async fn declare(&self, stage: &Stage, clusters: &str) -> Result<()> {
        let file = stage.write("declared.yaml", clusters)?.display().to_string();
        let arguments = ["apply", "--clusters", "-f", &file, "--table", TABLE, "--jobs", &self.jobs.url];
        stage.pawl_with(&arguments, &[("PAWL_LEDGER_KEY", LEDGER_KEY)]).await?.well().map(drop)
    }

    /// What names its registry, ledger and queue to `pawl`, as variables.
    pub fn state(&self) -> [(&'static str, String); 3] {
        let jobs = self.jobs.url.clone();
        [
            ("PAWL_TABLE", TABLE.to_owned()),
            ("PAWL_JOB_QUEUE_URL", jobs),
            ("PAWL_LEDGER_KEY", LEDGER_KEY.to_owned()),
        ]
    }

    /// Waits until both queues are empty and no message is being worked on.
    ///
    /// # Errors
    /// When something is left after [`LIMIT`](crate::LIMIT); with what the functions logged.
    pub async fn idle(&self, stage: &Stage) -> Result<()> {
        for (queue, name) in [(&self.events, "events"), (&self.jobs, "jobs")] {
            let empty = async || (stage.aws().queue_depth(queue).await.ok()? == 0).then_some(());
            let emptied = until(&format!("the emptying of the queue of {name}"), empty).await;
            emptied.map_err(|error| {
                Error::Otherwise(format!("{error}; the functions logged:\n{}", self.logs()))
            })?;
        }
        Ok(())
    }

    /// Everything that the running functions have logged.
    pub fn logs(&self) -> String {
        FUNCTIONS.iter().map(|function| self.lambda.log(function)).collect()
    }

    /// Every item of the table, as JSON text.
    ///
    /// # Errors
    /// When AWS refuses.
    pub async fn table(stage: &Stage) -> Result<String> {
        let items =
            stage.aws().call(REGION, Service::DYNAMODB, "Scan", &json!({ "TableName": TABLE })).await?;
        Ok(items["Items"].to_string())
    }
}
