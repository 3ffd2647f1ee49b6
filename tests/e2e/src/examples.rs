//! The first examples: manifests as users find them in articles, and what their stores and clusters must hold.

use crate::{Result, Stage};
use pawl_servers::StoredSecret;
use serde_json::{Value, json};

/// Four manifests: a ClusterSecretStore with a service account's identity, a SecretStore with Pawl's own, and an
/// ExternalSecret for each.
pub const MANIFESTS: &str = include_str!("../data/first-examples.yaml");

/// One ExternalSecret of the examples: what it reads and where that goes.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// The store's region.
    pub region: &'static str,
    /// The key in the store: a JSON object with `username` and `password`.
    pub key: &'static str,
    /// The namespace of ExternalSecret and Secret.
    pub namespace: &'static str,
    /// The Secret's name.
    pub secret: &'static str,
    /// The username, which never changes here.
    pub username: &'static str,
}

/// The one whose store proves a service account of the target cluster to AWS.
pub const WITH_SERVICE_ACCOUNT: Example = Example {
    region: "eu-central-1",
    key: "my-application/database",
    namespace: "my-application",
    secret: "database-credentials",
    username: "app",
};

/// The one whose store uses the identity that Pawl runs with.
pub const WITH_OWN_IDENTITY: Example = Example {
    region: "us-east-1",
    key: "my-app/database-credentials",
    namespace: "default",
    secret: "database-credentials",
    username: "db_user",
};

/// Both.
pub const ALL: [Example; 2] = [WITH_SERVICE_ACCOUNT, WITH_OWN_IDENTITY];

impl Example {
    /// What stands in the store under the key.
    pub fn value(&self, password: &str) -> String {
        json!({ "username": self.username, "password": password }).to_string()
    }

    /// CreateSecret.
    ///
    /// # Errors
    /// When AWS refuses.
    pub async fn create(&self, stage: &Stage, password: &str) -> Result<StoredSecret> {
        Ok(stage.aws().create_secret(self.region, self.key, &self.value(password)).await?)
    }

    /// PutSecretValue, as a rotation does it.
    ///
    /// # Errors
    /// When AWS refuses.
    pub async fn rotate(&self, stage: &Stage, password: &str) -> Result<StoredSecret> {
        Ok(stage.aws().put_secret_value(self.region, self.key, &self.value(password)).await?)
    }

    /// The event of a rotation.
    pub fn event(&self, version: &StoredSecret) -> Value {
        crate::events::label_updated(self.region, self.key, version)
    }

    /// Whether the Secret in a cluster holds exactly the username and this password.
    pub fn holds(&self, stage: &Stage, cluster: &str, password: &str) -> bool {
        let Some(cluster) = stage.find(cluster) else { return false };
        let field = |name| cluster.secret_value(self.namespace, self.secret, name);
        field("password").as_deref() == Some(password.as_bytes())
            && field("username").as_deref() == Some(self.username.as_bytes())
    }
}

/// What the examples take for granted in a cluster: the namespaces, and the service account with the role that its token
/// is traded for.
pub fn furniture() -> [Value; 3] {
    let namespace =
        |name: &str| json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
    [
        namespace(WITH_SERVICE_ACCOUNT.namespace),
        namespace("external-secrets"),
        json!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {
                "name": "external-secrets",
                "namespace": "external-secrets",
                "annotations": { "eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/external-secrets" },
            },
        }),
    ]
}

/// Puts the furniture into every cluster of the stage.
///
/// # Errors
/// When a cluster refuses.
pub fn furnish(stage: &Stage) -> Result<()> {
    for cluster in stage.clusters() {
        for object in furniture() {
            cluster.put(object)?;
        }
    }
    Ok(())
}

/// A password like no other: letters and digits only, so that no way of quoting changes it.
pub fn password() -> String {
    format!("canary{:032x}", rand::random::<u128>())
}
