//! The port's contract suite, on moto.

use crate::stores::support::{FakeCluster, access_in, moto, sources};
use pawl_aws::AwsSources;
use pawl_domain::Access;
use pawl_domain::store::AwsService;
use pawl_servers::{Moto, Service};
use pawl_world::contract::searches::{self, Tagged};
use pawl_world::contract::sources::{Held, suite};
use serde_json::json;

#[tokio::test]
async fn secrets_manager_is_a_source() {
    suite(&Secrets(Store::of(AwsService::SecretsManager).await)).await;
}

#[tokio::test]
async fn parameter_store_is_a_source() {
    suite(&Parameters(Store::of(AwsService::ParameterStore).await)).await;
}

#[tokio::test]
async fn secrets_are_searched() {
    searches::suite(&Secrets(Store::of(AwsService::SecretsManager).await)).await;
}

#[tokio::test]
async fn parameters_are_searched() {
    searches::suite(&Parameters(Store::of(AwsService::ParameterStore).await)).await;
}

struct Store {
    moto: &'static Moto,
    region: &'static str,
    sources: AwsSources<FakeCluster>,
    access: Access,
}

impl Store {
    async fn of(provider: AwsService) -> Self {
        let (moto, region) = moto().await;
        Self { sources: sources(moto.endpoint()), access: access_in(provider, region), moto, region }
    }
}

struct Secrets(Store);

impl Held for Secrets {
    type Sources = AwsSources<FakeCluster>;

    fn sources(&self) -> &Self::Sources {
        &self.0.sources
    }

    fn access(&self) -> &Access {
        &self.0.access
    }

    async fn put(&self, key: &str, value: &str) -> String {
        let stored = match self.0.moto.put_secret_value(self.0.region, key, value).await {
            Ok(stored) => stored,
            Err(_) => self.0.moto.create_secret(self.0.region, key, value).await.unwrap(),
        };
        stored.version
    }

    async fn label(&self, key: &str, version: &str, label: &str) {
        let described = json!({ "SecretId": key });
        let described = self
            .0
            .moto
            .call(self.0.region, Service::SECRETS_MANAGER, "DescribeSecret", &described)
            .await
            .unwrap();
        let stages = described["VersionIdsToStages"].as_object().unwrap();
        let held = stages.iter().find(|(_, stages)| stages.as_array().unwrap().contains(&label.into()));
        let mut body = json!({ "SecretId": key, "VersionStage": label, "MoveToVersionId": version });
        if let Some((holder, _)) = held {
            body["RemoveFromVersionId"] = holder.as_str().into();
        }
        self.0
            .moto
            .call(self.0.region, Service::SECRETS_MANAGER, "UpdateSecretVersionStage", &body)
            .await
            .unwrap();
    }

    async fn delete(&self, key: &str) {
        self.0.moto.delete_secret(self.0.region, key, false).await.unwrap();
    }

    async fn destroy(&self, key: &str) {
        self.0.moto.delete_secret(self.0.region, key, true).await.unwrap();
    }

    fn unknown_version(&self) -> &'static str {
        "00000000-0000-0000-0000-000000000000"
    }
}

impl Tagged for Secrets {
    async fn tag(&self, key: &str, tag: &str, value: &str) {
        let body = json!({ "SecretId": key, "Tags": [{ "Key": tag, "Value": value }] });
        self.0.moto.call(self.0.region, Service::SECRETS_MANAGER, "TagResource", &body).await.unwrap();
    }
}

struct Parameters(Store);

impl Held for Parameters {
    type Sources = AwsSources<FakeCluster>;

    fn sources(&self) -> &Self::Sources {
        &self.0.sources
    }

    fn access(&self) -> &Access {
        &self.0.access
    }

    async fn put(&self, key: &str, value: &str) -> String {
        self.0.moto.put_parameter(self.0.region, key, value).await.unwrap().to_string()
    }

    async fn label(&self, key: &str, version: &str, label: &str) {
        let version: i64 = version.parse().unwrap();
        let body = json!({ "Name": key, "ParameterVersion": version, "Labels": [label] });
        self.0.moto.call(self.0.region, Service::SSM, "LabelParameterVersion", &body).await.unwrap();
    }

    async fn delete(&self, key: &str) {
        self.0.moto.delete_parameter(self.0.region, key).await.unwrap();
    }

    fn unknown_version(&self) -> &'static str {
        "99"
    }
}

impl Tagged for Parameters {
    async fn tag(&self, key: &str, tag: &str, value: &str) {
        let tags = json!([{ "Key": tag, "Value": value }]);
        let body = json!({ "ResourceType": "Parameter", "ResourceId": key, "Tags": tags });
        self.0.moto.call(self.0.region, Service::SSM, "AddTagsToResource", &body).await.unwrap();
    }
}
