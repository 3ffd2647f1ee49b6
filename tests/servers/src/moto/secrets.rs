use super::aws::{Aws, Service, text};
use crate::Result;
use serde_json::{Value, json};

/// One version of a secret, as Secrets Manager named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSecret {
    /// The full ARN, with the random suffix.
    pub arn: String,
    /// The version's id, a UUID.
    pub version: String,
}

impl Aws {
    /// CreateSecret with a string value.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused) when the name is taken.
    pub async fn create_secret(&self, region: &str, name: &str, value: &str) -> Result<StoredSecret> {
        self.store(region, "CreateSecret", json!({ "Name": name, "SecretString": value })).await
    }

    /// PutSecretValue with a string: a new version, which becomes AWSCURRENT. `id` is a name or an ARN.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused) when there is no such secret.
    pub async fn put_secret_value(&self, region: &str, id: &str, value: &str) -> Result<StoredSecret> {
        self.store(region, "PutSecretValue", json!({ "SecretId": id, "SecretString": value })).await
    }

    /// PutSecretValue whose version gets `stages` and no others, as `["AWSPENDING"]` in the middle of a rotation.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused) when there is no such secret.
    pub async fn stage_secret_value(
        &self,
        region: &str,
        id: &str,
        value: &str,
        stages: &[&str],
    ) -> Result<StoredSecret> {
        self.store(
            region,
            "PutSecretValue",
            json!({ "SecretId": id, "SecretString": value, "VersionStages": stages }),
        )
        .await
    }

    /// UpdateSecret with a string value: a new version, which becomes AWSCURRENT.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused) when there is no such secret.
    pub async fn update_secret(&self, region: &str, id: &str, value: &str) -> Result<StoredSecret> {
        self.store(region, "UpdateSecret", json!({ "SecretId": id, "SecretString": value })).await
    }

    /// DeleteSecret: at once and for ever when `force`, else recoverable for 30 days and unreadable meanwhile.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused) when there is no such secret.
    pub async fn delete_secret(&self, region: &str, id: &str, force: bool) -> Result<()> {
        let mut body = json!({ "SecretId": id });
        if force {
            body["ForceDeleteWithoutRecovery"] = true.into();
        }
        self.call(region, Service::SECRETS_MANAGER, "DeleteSecret", &body).await.map(drop)
    }

    /// GetSecretValue of the version that is AWSCURRENT now, as a string.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused) when there is none.
    pub async fn secret_value(&self, region: &str, id: &str) -> Result<String> {
        // The stage is always named: without it moto answers an old version after UpdateSecretVersionStage.
        let body = json!({ "SecretId": id, "VersionStage": "AWSCURRENT" });
        let answer = self.call(region, Service::SECRETS_MANAGER, "GetSecretValue", &body).await?;
        text(&answer, "GetSecretValue", "SecretString")
    }

    async fn store(&self, region: &str, operation: &'static str, mut body: Value) -> Result<StoredSecret> {
        // SDKs send a token of their own making, and UpdateSecret fails in moto without one.
        body["ClientRequestToken"] = token().into();
        let answer = self.call(region, Service::SECRETS_MANAGER, operation, &body).await?;
        Ok(StoredSecret {
            arn: text(&answer, operation, "ARN")?,
            version: text(&answer, operation, "VersionId")?,
        })
    }
}

/// A fresh token in the form of a UUID: random enough to be unique among the versions of one secret in one test.
fn token() -> String {
    use std::hash::{BuildHasher, RandomState};
    // Two hashers with random keys stand in for a crate of random numbers.
    let [high, low] = [RandomState::new().hash_one("high"), RandomState::new().hash_one("low")];
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        low >> 52,
        low & 0xffff_ffff_ffff
    )
}
