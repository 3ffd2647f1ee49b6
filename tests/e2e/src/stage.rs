//! AWS, clusters, and a place for files.

use crate::{AUDIT_TOKEN, Error, HMAC_KEY, LIMIT, Meter, REGION, Result, binary};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pawl_devcluster::{DevCluster, Options};
use pawl_servers::process::clean_command;
use pawl_servers::{Aws, Moto, Service};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Instant;
use tempfile::TempDir;

/// AWS, clusters, and a directory, all of which go when it is dropped.
#[derive(Debug)]
pub struct Stage {
    moto: Moto,
    meter: Meter,
    clusters: Vec<DevCluster>,
    directory: TempDir,
    variables: Vec<(String, String)>,
}

/// A policy that lets stores which live in clusters use Pawl's own identity and every role for every key, and reach servers on
/// this machine.
pub const TRUST: &str = r#"{ "apiVersion": "pawl.dev/v1alpha1", "kind": "StorePolicy", "metadata": { "name": "trust" },
"spec": { "allow": { "ownIdentity": true, "roles": ["*"], "keys": ["*"], "addresses": ["127.0.0.0/8", "::1"] } } }"#;

/// How a command ended.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The exit code; -1 when a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error: the log, and what is told to people.
    pub stderr: String,
}

impl Stage {
    /// Starts moto and an embedded cluster for each name.
    ///
    /// # Errors
    /// When one of them does not come up.
    pub async fn start(clusters: &[&str]) -> Result<Self> {
        let moto = Moto::start().await?;
        let meter = Meter::start(moto.endpoint()).await?;
        let directory = TempDir::with_prefix("pawl-stage-").map_err(Error::io("cannot make a directory"))?;
        let mut stage = Self { moto, meter, clusters: Vec::new(), directory, variables: Vec::new() };
        for name in clusters {
            let cluster = DevCluster::start(Options::named(*name))
                .await
                .map_err(Error::io("cannot start a cluster"))?;
            stage.clusters.push(cluster);
        }
        for empty in ["aws-config", "aws-credentials"] {
            stage.write(empty, "")?;
        }
        stage.write("kubeconfig", &stage.kubeconfig().to_string())?;
        let declare = |it: &DevCluster| stage.declare(it.name(), &it.url(), it.ca_pem(), it.token());
        let manifests = stage.clusters.iter().map(declare).collect::<Result<String>>()?;
        stage.write("clusters.yaml", &manifests)?;
        Ok(stage)
    }

    /// AWS, as its users reach it: past the meter.
    pub fn aws(&self) -> &Aws {
        &self.moto
    }

    /// AWS, as Pawl reaches it.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// The clusters, in the order in which they were named.
    pub fn clusters(&self) -> &[DevCluster] {
        &self.clusters
    }

    /// A cluster by name.
    pub fn find(&self, name: &str) -> Option<&DevCluster> {
        self.clusters.iter().find(|cluster| cluster.name() == name)
    }

    /// A file of the stage. `kubeconfig` has all clusters as contexts, `clusters.yaml` declares them to Pawl.
    pub fn path(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    /// Writes a file of the stage.
    ///
    /// # Errors
    /// When the machine refuses.
    pub fn write(&self, file: &str, text: &str) -> Result<PathBuf> {
        let path = self.path(file);
        std::fs::write(&path, text).map_err(Error::io(format!("cannot write {}", path.display())))?;
        Ok(path)
    }

    /// What Pawl's processes find in their environment: AWS behind the meter, and a registry in the stage's directory.
    pub fn environment(&self) -> Vec<(String, String)> {
        let file = |name| self.path(name).display().to_string();
        let variables = [
            ("AWS_ENDPOINT_URL", self.meter.endpoint().to_owned()),
            ("AWS_REGION", "eu-central-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            // Nobody's own profile may decide what happens here.
            ("AWS_CONFIG_FILE", file("aws-config")),
            ("AWS_SHARED_CREDENTIALS_FILE", file("aws-credentials")),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("PAWL_DB", file("pawl.db")),
            ("PAWL_CLUSTER_FILES", self.directory.path().display().to_string()),
            ("PAWL_HMAC_KEY", HMAC_KEY.to_owned()),
            ("PAWL_AUDIT_TOKEN", AUDIT_TOKEN.to_owned()),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value));
        variables.into_iter().chain(self.variables.clone()).collect()
    }

    /// Sets a variable for all processes that begin from here on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Lets stores that live in clusters do everything, fake ones included: for scenes about other things.
    ///
    /// # Errors
    /// When Pawl does not take the policy.
    pub async fn trust_stores(&mut self) -> Result<()> {
        self.set("PAWL_UNSAFE_FAKE_STORES", "1");
        let policy = self.write("trust.yaml", TRUST)?.display().to_string();
        self.pawl(&["apply", "--clusters", "-f", &policy]).await?.well()?;
        Ok(())
    }

    /// Makes a DynamoDB table as the template does.
    ///
    /// # Errors
    /// When AWS refuses.
    pub async fn create_table(&self, name: &str) -> Result<()> {
        let keys = json!({
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                { "AttributeName": "pk", "AttributeType": "S" },
                { "AttributeName": "sk", "AttributeType": "S" },
            ],
            "KeySchema": [
                { "AttributeName": "pk", "KeyType": "HASH" },
                { "AttributeName": "sk", "KeyType": "RANGE" },
            ],
        });
        self.aws().call(REGION, Service::DYNAMODB, "CreateTable", &keys).await?;
        Ok(())
    }

    /// Runs `pawl` with these arguments until it ends.
    ///
    /// # Errors
    /// When it is not built or does not end in time. What it answers is the caller's to judge.
    pub async fn pawl(&self, arguments: &[&str]) -> Result<Ran> {
        self.pawl_with(arguments, &[]).await
    }

    /// The same with more in its environment.
    ///
    /// # Errors
    /// As for [`Stage::pawl`].
    pub async fn pawl_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Result<Ran> {
        let mut command = tokio::process::Command::from(clean_command(binary("pawl")?));
        command.args(arguments).envs(self.environment()).envs(variables.iter().copied());
        command.stdin(Stdio::null()).kill_on_drop(true);
        let ended = tokio::time::timeout(LIMIT * 2, command.output()).await;
        let what = || format!("pawl {}", arguments.join(" "));
        let output =
            ended.map_err(|_| Error::Late { what: what(), limit: LIMIT * 2 })?.map_err(Error::io(what()))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        })
    }

    /// Waits until every declaration in the registry is recorded as written.
    ///
    /// # Errors
    /// [`Error::Late`] with what `pawl get` says then.
    pub async fn settled(&self) -> Result<()> {
        let began = Instant::now();
        loop {
            let said = self.pawl(&["get", "--output", "json"]).await?.well()?;
            let rows: Vec<Value> = serde_json::from_str(&said).unwrap_or_default();
            if !rows.is_empty()
                && rows.iter().all(|row| row["state"] == "written" || row["state"] == "unchanged")
            {
                return Ok(());
            }
            if began.elapsed() > LIMIT {
                let what = format!("the writing of every declaration; pawl get says: {said}");
                return Err(Error::Late { what, limit: LIMIT });
            }
        }
    }

    /// Forgets what was asked of AWS and of the clusters so far.
    pub fn reset_calls(&self) {
        self.meter.reset();
        self.clusters.iter().for_each(DevCluster::reset_calls);
    }

    /// What was asked of the clusters since then, by kind.
    pub fn cluster_calls(&self) -> BTreeMap<String, usize> {
        let calls: Vec<_> = self.clusters.iter().flat_map(DevCluster::calls).collect();
        pawl_devcluster::tally(&calls)
    }

    /// A Cluster of pawl.dev as it would stand in git, with its token in a file of the stage.
    ///
    /// # Errors
    /// When the machine refuses the file.
    pub fn declare(&self, name: &str, url: &str, ca_pem: &str, token: &str) -> Result<String> {
        let manifest = json!({
            "apiVersion": "pawl.dev/v1alpha1",
            "kind": "Cluster",
            "metadata": { "name": name },
            "spec": { "url": { "url": url, "ca": ca_pem, "tokenFile": self.write(&format!("{name}.token"), token)? } },
        });
        // YAML is a superset of JSON.
        Ok(format!("---\n{manifest}\n"))
    }

    fn kubeconfig(&self) -> Value {
        let each = |entry: &dyn Fn(&DevCluster) -> Value| self.clusters.iter().map(entry).collect::<Vec<_>>();
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": self.clusters.first().map(DevCluster::name).unwrap_or_default(),
            "clusters": each(&|it| json!({ "name": it.name(), "cluster": {
                "server": it.url(), "certificate-authority-data": STANDARD.encode(it.ca_pem()),
            } })),
            "users": each(&|it| json!({ "name": it.name(), "user": { "token": it.token() } })),
            "contexts": each(&|it| json!({ "name": it.name(), "context": { "cluster": it.name(), "user": it.name() } })),
        })
    }
}

impl Ran {
    /// The output of a command that had to go well.
    ///
    /// # Errors
    /// When its exit code is another one than 0; with all that it said.
    pub fn well(self) -> Result<String> {
        match self.code {
            0 => Ok(self.stdout),
            code => Err(Error::Otherwise(format!("pawl ended with {code}:\n{}{}", self.stdout, self.stderr))),
        }
    }
}
