//! Secrets Manager: values, versions and listing of secrets.

mod batch;
mod find;
mod push;

use super::listing::{NewestFirst, timestamp};
use crate::credentials::Session;
use crate::error::Call;
use aws_sdk_secretsmanager as secretsmanager;
use aws_smithy_types::{Blob, DateTime};
use futures::{StreamExt, stream};
use jiff::Timestamp;
use pawl_domain::{Fetched, Provider, SecretValue, Step, Version, VersionSelector};
use pawl_ports::{Error, Listed, Listing, Part, Wanted};
use secretsmanager::types::{SecretListEntry, SortByType, SortOrderType};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// One account's secrets in one region, read with one identity.
pub(super) struct SecretsManager {
    pub(super) client: secretsmanager::Client,
    pub(super) region: String,
    pub(super) session: Arc<Session>,
}

impl SecretsManager {
    /// The values of these keys, one answer for each, in order.
    pub(super) async fn fetch(&self, wanted: &[Wanted]) -> Vec<Result<Fetched, Error>> {
        let mut batched = self.fetch_in_batches(wanted).await;
        let answers = wanted.iter().map(|one| {
            let known = is_current_value(one).then(|| batched.remove(&one.key)).flatten();
            async move {
                match (known, one.part) {
                    (Some(answer), _) => answer,
                    (None, Part::Value) => self.fetch_one(one).await,
                    (None, Part::Metadata) => self.tags(one).await,
                }
            }
        });
        let answers: Vec<_> = answers.collect();
        stream::iter(answers).buffered(AT_ONCE).collect().await
    }

    /// The versions of these keys, one answer for each, in order.
    pub(super) async fn versions(&self, wanted: &[Wanted]) -> Vec<Result<Version, Error>> {
        let answers: Vec<_> = wanted.iter().map(|one| self.version(one)).collect();
        stream::iter(answers).buffered(AT_ONCE).collect().await
    }

    /// Every secret that changed at `since` or later, those marked for deletion included; every secret when the list was
    /// read to its end, as one of a single page always is.
    pub(super) async fn changed_since(&self, since: Option<Timestamp>) -> Result<Listing, Error> {
        let call = self.call("secretsmanager:ListSecrets", "the list of secrets");
        let (mut found, mut order, mut next) = (Vec::new(), NewestFirst::default(), None);
        let complete = loop {
            let request = self
                .client
                .list_secrets()
                .max_results(100)
                .sort_by(SortByType::LastChangedDate)
                .sort_order(SortOrderType::Desc)
                .include_planned_deletion(true)
                .set_next_token(next.clone())
                .customize();
            let page = call.counted(request.config_override(self.identity()).send().await)?;
            for entry in page.secret_list.unwrap_or_default() {
                let entry = listed(entry);
                order.see(entry.changed);
                found.push(entry);
            }
            if page.next_token.is_none() {
                break true;
            }
            if order.is_past(since) {
                break false;
            }
            if page.next_token == next {
                return Err(call.incomplete("an end: the next page is the same one"));
            }
            next = page.next_token;
        };
        if since.is_some() && order.is_broken() && !self.session.disorder_told.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                store.region = self.region,
                "ListSecrets does not sort; every sweep reads the whole list"
            );
        }
        if !complete {
            found.retain(|entry| entry.changed.is_none() || entry.changed >= since);
        }
        Ok(Listing { keys: found, complete })
    }

    async fn fetch_one(&self, wanted: &Wanted) -> Result<Fetched, Error> {
        let call = self.call("secretsmanager:GetSecretValue", &wanted.key);
        let request = self.client.get_secret_value().secret_id(&wanted.key);
        // The stage is always named: what a server takes for the default is its own affair.
        let request = match &wanted.selector {
            VersionSelector::Current => request.version_stage(CURRENT),
            VersionSelector::Label(label) => request.version_stage(label),
            VersionSelector::Id(id) => request.version_id(id),
        };
        let answer = call.counted(request.customize().config_override(self.identity()).send().await)?;
        let value = value(answer.secret_string, answer.secret_binary);
        fetched(&call, value, answer.version_id, answer.created_date.as_ref(), answer.version_stages)
    }

    async fn version(&self, wanted: &Wanted) -> Result<Version, Error> {
        if wanted.part == Part::Metadata {
            return self.tags(wanted).await.map(|tags| tags.version);
        }
        let call = self.call("secretsmanager:DescribeSecret", &wanted.key);
        let request = self.client.describe_secret().secret_id(&wanted.key).customize();
        let answer = call.counted(request.config_override(self.identity()).send().await)?;
        if answer.deleted_date.is_some() {
            return Err(call.deleted());
        }
        let stages = answer.version_ids_to_stages.unwrap_or_default();
        let id = match &wanted.selector {
            VersionSelector::Current => with_stage(&stages, CURRENT),
            VersionSelector::Label(label) => with_stage(&stages, label),
            // Versions without a stage are not listed, yet they can be read for a time: the fetch will tell.
            VersionSelector::Id(id) => Some(id),
        };
        id.map(|id| Version { id: id.clone(), since: None }).ok_or_else(|| call.missing())
    }

    fn call<'a>(&'a self, action: &'static str, subject: &'a str) -> Call<'a> {
        let service = Provider::SecretsManager.as_str();
        Call { step: Step::Fetch, service, region: &self.region, action, subject }
    }

    fn identity(&self) -> secretsmanager::config::Builder {
        let mut config = secretsmanager::config::Builder::new();
        if let Some(credentials) = &self.session.credentials {
            config = config.credentials_provider(credentials.clone());
        }
        config
    }
}

/// The staging label of the version in force.
const CURRENT: &str = "AWSCURRENT";

/// Calls at the same time. The service's quota is 10,000 a second; what is bounded is memory and connections.
const AT_ONCE: usize = 16;

/// Whether it is what batches read.
fn is_current_value(wanted: &Wanted) -> bool {
    wanted.selector == VersionSelector::Current && wanted.part == Part::Value
}

fn listed(entry: SecretListEntry) -> Listed {
    // Of a secret that is marked for deletion nothing can be read, whatever its stages.
    let stages = entry.secret_versions_to_stages.filter(|_| entry.deleted_date.is_none());
    let labels = labels(stages.unwrap_or_default());
    let tags = entry.tags.unwrap_or_default().into_iter();
    Listed {
        names: BTreeSet::from_iter([entry.name, entry.arn].into_iter().flatten()),
        version: labels.get(CURRENT).cloned(),
        changed: entry.last_changed_date.or(entry.created_date).as_ref().and_then(timestamp),
        labels: Some(labels),
        tags: Some(tags.filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default()))).collect()),
    }
}

/// The version of each stage, as [`with_stage`] tells it.
fn labels(stages: HashMap<String, Vec<String>>) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    for (id, held) in stages {
        for stage in held {
            let version = labels.entry(stage).or_insert_with(|| id.clone());
            if id < *version {
                version.clone_from(&id);
            }
        }
    }
    labels
}

/// The version with a stage. AWS gives a stage to one version at a time; the smallest id keeps the answer the same where a
/// server does otherwise.
fn with_stage<'a>(stages: &'a HashMap<String, Vec<String>>, stage: &str) -> Option<&'a String> {
    stages.iter().filter(|(_, stages)| stages.iter().any(|held| held == stage)).map(|(id, _)| id).min()
}

fn value(text: Option<String>, binary: Option<Blob>) -> Option<SecretValue> {
    match (text, binary) {
        (Some(text), _) => Some(SecretValue::new(text)),
        (None, Some(binary)) => Some(SecretValue::new(binary.into_inner())),
        (None, None) => None,
    }
}

fn fetched(
    call: &Call<'_>,
    value: Option<SecretValue>,
    version: Option<String>,
    created: Option<&DateTime>,
    labels: Option<Vec<String>>,
) -> Result<Fetched, Error> {
    let value = value.ok_or_else(|| call.incomplete("a value"))?;
    let id = version.ok_or_else(|| call.incomplete("a version"))?;
    Ok(Fetched {
        provider: Provider::SecretsManager,
        value,
        version: Version { id, since: created.and_then(timestamp) },
        labels: labels.unwrap_or_default(),
    })
}
