//! The driver's own hand at the stores, past everything that breaks: what rotates secrets, and what reads them to check.

use crate::manifests::REGION;
use crate::plan::Act;
use crate::world::{Key, LABEL, Store, value};
use pawl_e2e::{Error, Result, now};
use pawl_servers::vault::VaultApi;
use pawl_servers::{Aws, Moto, Service};
use serde_json::{Value, json};

/// How often a call is made that the double of AWS answers with 500.
const ATTEMPTS: u32 = 4;

/// All three stores.
#[derive(Clone, Debug)]
pub(crate) struct Stores {
    pub(crate) aws: Aws,
    pub(crate) vault: VaultApi,
    pub(crate) canary: String,
}

impl Stores {
    /// Carries out a change. When this returns it is done.
    pub(crate) async fn act(&self, key: Key, act: Act) -> Result<()> {
        match (key.store, act) {
            (_, Act::Recreate { n }) => {
                self.delete(key).await?;
                self.create(key, n).await
            }
            (Store::Vault, Act::Put { n }) => self.write(key, n).await,
            (Store::Manager, Act::Put { n }) => self.put_version(key, n).await,
            (Store::Parameters, Act::Put { n }) => self.put_parameter(key, n).await,
            (Store::Manager, Act::Move { from, to }) => self.stage(key, Some(from.n), to.n).await,
            (Store::Parameters, Act::Move { to, .. }) => self.label(key, to.number).await,
            (Store::Vault, Act::Move { .. }) => {
                Err(Error::Otherwise(format!("{key}: versions of Vault have no labels")))
            }
        }
    }

    /// Makes a key that is not there.
    pub(crate) async fn create(&self, key: Key, n: u32) -> Result<()> {
        match key.store {
            Store::Vault => self.write(key, n).await,
            Store::Manager => {
                let body = json!({
                    "Name": key.name(), "SecretString": value(key, n, &self.canary),
                    "ClientRequestToken": version_id(key, n),
                });
                self.manager("CreateSecret", body).await?;
                match key.is_labelled() {
                    true => self.stage(key, None, n).await,
                    false => Ok(()),
                }
            }
            Store::Parameters => {
                self.put_parameter(key, n).await?;
                match key.is_labelled() {
                    true => self.label(key, 1).await,
                    false => Ok(()),
                }
            }
        }
    }

    /// What a reader of the key gets now. None: it is not there.
    pub(crate) async fn read(&self, key: Key) -> Result<Option<String>> {
        let (answer, pointer) = match key.store {
            Store::Vault => {
                let (status, answer) =
                    self.vault.call("GET", &format!("secret/data/{}", key.name()), None).await?;
                return Ok((status == 200).then(|| answer["data"]["data"].to_string()));
            }
            Store::Manager => {
                let stage = if key.is_labelled() { LABEL } else { "AWSCURRENT" };
                let body = json!({ "SecretId": key.name(), "VersionStage": stage });
                (self.manager("GetSecretValue", body).await, "/SecretString")
            }
            Store::Parameters => {
                let selector = if key.is_labelled() { format!(":{LABEL}") } else { String::new() };
                let body = json!({ "Name": format!("{}{selector}", key.name()), "WithDecryption": true });
                (self.parameters("GetParameter", body).await, "/Parameter/Value")
            }
        };
        match answer {
            Ok(answer) => Ok(answer.pointer(pointer).and_then(Value::as_str).map(str::to_owned)),
            Err(Error::Server(pawl_servers::Error::Refused { status: 400, .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The event that the store sends of a change.
    pub(crate) fn event(key: Key, act: Act) -> Value {
        let envelope = |source: &str, kind: &str, arn: String, detail: Value| {
            json!({
                "version": "0", "id": format!("{key}-{act:?}"), "detail-type": kind, "source": source,
                "account": Moto::ACCOUNT, "time": format!("{:.0}", now()), "region": REGION,
                "resources": [format!("arn:aws:{arn}")], "detail": detail,
            })
        };
        let n = match act {
            Act::Put { n } | Act::Recreate { n } => n,
            Act::Move { to, .. } => to.n,
        };
        match key.store {
            Store::Manager => {
                // A plain Put moves AWSCURRENT even where declarations read another label.
                let by_label = key.is_labelled() && !matches!(act, Act::Put { .. });
                let label = if by_label { LABEL } else { "AWSCURRENT" };
                let arn = format!("secretsmanager:{REGION}:{}:secret:{}-AbCdEf", Moto::ACCOUNT, key.name());
                let detail =
                    json!({ "name": key.name(), "labelUpdated": label, "versionId": version_id(key, n) });
                envelope("aws.secretsmanager", "Secret Label Updated", arn, detail)
            }
            Store::Parameters => {
                let operation = match act {
                    Act::Put { .. } => "Update",
                    Act::Recreate { .. } => "Create",
                    Act::Move { .. } => "LabelParameterVersion",
                };
                let arn = format!("ssm:{REGION}:{}:parameter{}", Moto::ACCOUNT, key.name());
                let detail = json!({ "operation": operation, "name": key.name(), "type": "SecureString", "description": "" });
                envelope("aws.ssm", "Parameter Store Change", arn, detail)
            }
            // What the reader of Vault's audit records puts on Pawl's bus.
            Store::Vault => json!({
                "apiVersion": "pawl.dev/v1alpha1", "kind": "Change", "provider": "vault",
                "keys": [format!("secret/{}", key.name())], "at": format!("{:.0}", now()),
            }),
        }
    }

    async fn delete(&self, key: Key) -> Result<()> {
        match key.store {
            Store::Vault => {
                self.vault.must("DELETE", &format!("secret/metadata/{}", key.name()), None).await?;
            }
            Store::Manager => {
                let body = json!({ "SecretId": key.name(), "ForceDeleteWithoutRecovery": true });
                self.manager("DeleteSecret", body).await?;
            }
            Store::Parameters => {
                self.parameters("DeleteParameter", json!({ "Name": key.name() })).await?;
            }
        }
        Ok(())
    }

    async fn write(&self, key: Key, n: u32) -> Result<()> {
        let data: Value = serde_json::from_str(&value(key, n, &self.canary)).unwrap_or_default();
        let path = format!("secret/data/{}", key.name());
        self.vault.must("POST", &path, Some(&json!({ "data": data }))).await?;
        Ok(())
    }

    async fn put_version(&self, key: Key, n: u32) -> Result<()> {
        let body = json!({
            "SecretId": key.name(), "SecretString": value(key, n, &self.canary),
            "ClientRequestToken": version_id(key, n),
        });
        // The double fails now and then when it is asked by many at once. The token makes a second call the same as the first.
        for _ in 1..ATTEMPTS {
            match self.manager("PutSecretValue", body.clone()).await {
                Err(Error::Server(pawl_servers::Error::Refused { status: 500, .. })) => {}
                answer => return answer.map(drop),
            }
        }
        self.manager("PutSecretValue", body).await.map(drop)
    }

    /// Moves AWSCURRENT, or the label of a key that is read by one.
    async fn stage(&self, key: Key, from: Option<u32>, to: u32) -> Result<()> {
        if from == Some(to) {
            return Ok(());
        }
        let stage = if key.is_labelled() { LABEL } else { "AWSCURRENT" };
        let mut body =
            json!({ "SecretId": key.name(), "VersionStage": stage, "MoveToVersionId": version_id(key, to) });
        if let Some(from) = from {
            body["RemoveFromVersionId"] = version_id(key, from).into();
        }
        self.manager("UpdateSecretVersionStage", body).await.map(drop)
    }

    async fn put_parameter(&self, key: Key, n: u32) -> Result<()> {
        self.aws.put_parameter(REGION, &key.name(), &value(key, n, &self.canary)).await?;
        Ok(())
    }

    async fn label(&self, key: Key, version: usize) -> Result<()> {
        let body = json!({ "Name": key.name(), "ParameterVersion": version, "Labels": [LABEL] });
        self.parameters("LabelParameterVersion", body).await.map(drop)
    }

    async fn manager(&self, operation: &str, body: Value) -> Result<Value> {
        Ok(self.aws.call(REGION, Service::SECRETS_MANAGER, operation, &body).await?)
    }

    async fn parameters(&self, operation: &str, body: Value) -> Result<Value> {
        Ok(self.aws.call(REGION, Service::SSM, operation, &body).await?)
    }
}

/// The id of the version of Secrets Manager that holds the `n`th value: a UUID, as AWS wants it.
fn version_id(key: Key, n: u32) -> String {
    format!("{:08x}-0000-4000-8000-{n:012x}", key.number)
}
