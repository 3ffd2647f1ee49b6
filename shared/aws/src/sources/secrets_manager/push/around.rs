//! Changes what a secret has around its value: tags, resource policy, replicas. Deletes and restores it.

use super::{Known, Push};
use crate::error::Call;
use crate::sources::pushing::TagChanges;
use crate::sources::secrets_manager::SecretsManager;
use aws_sdk_secretsmanager as secretsmanager;
use pawl_domain::cluster::SecretKeyAt;
use pawl_domain::push::metadata::{PolicyPlace, SecretMetadata};
use pawl_domain::store::AwsDeletion;
use pawl_domain::{Access, Kind};
use pawl_ports::{ClusterCredentials, Error};
use secretsmanager::types::{ReplicaRegionType, Tag};

/// A resource policy as it should be.
pub(super) struct Policy {
    /// The policy's JSON; an empty text takes the policy away.
    json: String,
    block_public: Option<bool>,
}

impl SecretsManager {
    /// The resource policy that the metadata names, read in the namespace of the PushSecret.
    pub(super) async fn policy<C: ClusterCredentials>(
        &self,
        call: &Call<'_>,
        metadata: &SecretMetadata,
        access: &Access,
        clusters: &C,
    ) -> Result<Option<Policy>, Error> {
        let Some(source) = &metadata.policy else { return Ok(None) };
        let (Some(cluster), Some((namespace, _))) = (&access.cluster, &access.tags) else {
            let what = "metadata.spec.resourcePolicy is read from the namespace, which is known where the store names \
                        a role or credentials; name them, or leave resourcePolicy out";
            return Err(call.complaint(Kind::Invalid, what));
        };
        let invalid = |field: &str| {
            let path = format!("metadata.spec.resourcePolicy.policySourceRef.{field}");
            call.complaint(Kind::Invalid, format_args!("{path} is no valid name; correct it"))
        };
        let at = SecretKeyAt {
            namespace: namespace.clone(),
            name: source.name.parse().map_err(|_| invalid("name"))?,
            key: source.key.clone(),
        };
        let json = match source.kind {
            PolicyPlace::ConfigMap => clusters.config_map_key(cluster, &at).await,
            PolicyPlace::Secret => clusters.secret_key(cluster, &at).await.and_then(|value| {
                let text = value.expose_str().map(str::to_owned);
                text.ok_or_else(|| {
                    call.complaint(Kind::Invalid, "the resource policy is no JSON; correct it")
                })
            }),
        };
        let json = json.map_err(|error| {
            let kind = if error.kind == Kind::NotFound { Kind::Invalid } else { error.kind };
            call.complaint(kind, format_args!("the resource policy could not be read: {}", error.message()))
        })?;
        if !json.is_empty() && !is_object(&json) {
            return Err(call.complaint(Kind::Invalid, "the resource policy is no JSON object; correct it"));
        }
        Ok(Some(Policy { json, block_public: source.block_public }))
    }

    /// Makes what is around the value as the metadata says; `false` when it is. What the metadata says nothing of stays.
    pub(super) async fn around(&self, push: &Push<'_>, known: &Known) -> Result<bool, Error> {
        let tagged = push.metadata.tags_are_given && self.retag(push, known).await?;
        let policy = match &push.policy {
            Some(policy) => self.change_policy(push.key, policy).await?,
            None => false,
        };
        let replicated = match &push.metadata.replicas {
            Some(wanted) => self.replicate(push.key, wanted, known).await?,
            None => false,
        };
        Ok(tagged || policy || replicated)
    }

    pub(super) async fn put_policy(&self, key: &str, policy: &Policy) -> Result<(), Error> {
        if policy.json.is_empty() {
            return Ok(());
        }
        let call = self.writing("secretsmanager:PutResourcePolicy", key);
        let request = self.client.put_resource_policy().secret_id(key).resource_policy(&policy.json);
        let request = request.set_block_public_policy(policy.block_public).customize();
        call.counted(request.config_override(self.identity()).send().await).map(drop)
    }

    /// Makes a secret that is marked for deletion one that is not.
    pub(super) async fn restore(&self, key: &str) -> Result<(), Error> {
        let call = self.writing("secretsmanager:RestoreSecret", key);
        let request = self.client.restore_secret().secret_id(key).customize();
        call.counted(request.config_override(self.identity()).send().await).map(drop)
    }

    /// Deletes the whole secret, with its replicas.
    pub(super) async fn delete(&self, key: &str, known: &Known, deletion: AwsDeletion) -> Result<(), Error> {
        if !known.replicas.is_empty() {
            self.remove_replicas(key, known.replicas.clone()).await?;
        }
        let call = self.writing("secretsmanager:DeleteSecret", key);
        let request = self.client.delete_secret().secret_id(key);
        let request = match deletion {
            AwsDeletion::Default => request,
            AwsDeletion::Forced => request.force_delete_without_recovery(true),
            AwsDeletion::After(days) => request.recovery_window_in_days(i64::from(days)),
        };
        match call.counted(request.customize().config_override(self.identity()).send().await) {
            Err(error) if error.kind == Kind::NotFound => Ok(()),
            deleted => deleted.map(drop),
        }
    }

    async fn retag(&self, push: &Push<'_>, known: &Known) -> Result<bool, Error> {
        let changes = TagChanges::between(&known.tags, &push.metadata.tags);
        if !changes.remove.is_empty() {
            let call = self.writing("secretsmanager:UntagResource", push.key);
            let request = self.client.untag_resource().secret_id(push.key);
            let request = request.set_tag_keys(Some(changes.remove.clone())).customize();
            call.counted(request.config_override(self.identity()).send().await)?;
        }
        if !changes.set.is_empty() {
            let call = self.writing("secretsmanager:TagResource", push.key);
            let request = self.client.tag_resource().secret_id(push.key);
            let request = request.set_tags(Some(tags(changes.set.clone()))).customize();
            call.counted(request.config_override(self.identity()).send().await)?;
        }
        Ok(!changes.remove.is_empty() || !changes.set.is_empty())
    }

    /// Puts the policy where another one stands, compared as JSON.
    async fn change_policy(&self, key: &str, policy: &Policy) -> Result<bool, Error> {
        let call = self.writing("secretsmanager:GetResourcePolicy", key);
        let request = self.client.get_resource_policy().secret_id(key).customize();
        let standing = call.counted(request.config_override(self.identity()).send().await)?;
        let standing = standing.resource_policy.unwrap_or_default();
        if parsed(&standing) == parsed(&policy.json) {
            return Ok(false);
        }
        if !policy.json.is_empty() {
            return self.put_policy(key, policy).await.map(|()| true);
        }
        let call = self.writing("secretsmanager:DeleteResourcePolicy", key);
        let request = self.client.delete_resource_policy().secret_id(key).customize();
        call.counted(request.config_override(self.identity()).send().await).map(|_| true)
    }

    async fn replicate(&self, key: &str, wanted: &[String], known: &Known) -> Result<bool, Error> {
        let without = |from: &[String], those: &[String]| -> Vec<String> {
            from.iter().filter(|region| !those.contains(region)).cloned().collect()
        };
        let (gone, new) = (without(&known.replicas, wanted), without(wanted, &known.replicas));
        let changed = !gone.is_empty() || !new.is_empty();
        if !gone.is_empty() {
            self.remove_replicas(key, gone).await?;
        }
        if !new.is_empty() {
            let call = self.writing("secretsmanager:ReplicateSecretToRegions", key);
            let regions = new.iter().map(|region| replica(region, known.kms_key.as_deref())).collect();
            let request = self.client.replicate_secret_to_regions().secret_id(key);
            let request = request.set_add_replica_regions(Some(regions)).customize();
            call.counted(request.config_override(self.identity()).send().await)?;
        }
        Ok(changed)
    }

    async fn remove_replicas(&self, key: &str, regions: Vec<String>) -> Result<(), Error> {
        let call = self.writing("secretsmanager:RemoveRegionsFromReplication", key);
        let request = self.client.remove_regions_from_replication().secret_id(key);
        let request = request.set_remove_replica_regions(Some(regions)).customize();
        call.counted(request.config_override(self.identity()).send().await).map(drop)
    }
}

/// The replicas of a new secret.
pub(super) fn replicas(metadata: &SecretMetadata) -> Option<Vec<ReplicaRegionType>> {
    let regions = metadata.replicas.as_ref().filter(|regions| !regions.is_empty())?;
    Some(regions.iter().map(|region| replica(region, Some(&metadata.kms_key))).collect())
}

fn replica(region: &str, kms_key: Option<&str>) -> ReplicaRegionType {
    ReplicaRegionType::builder().region(region).set_kms_key_id(kms_key.map(str::to_owned)).build()
}

pub(super) fn tags(tags: impl IntoIterator<Item = (String, String)>) -> Vec<Tag> {
    tags.into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

fn is_object(json: &str) -> bool {
    parsed(json).is_some_and(|policy| policy.is_object())
}

fn parsed(json: &str) -> Option<serde_json::Value> {
    serde_json::from_str(json).ok()
}
