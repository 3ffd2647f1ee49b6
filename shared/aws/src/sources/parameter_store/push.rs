//! Writes and deletes parameters for PushSecrets.

use super::{DESCRIBE, GET, ParameterStore};
use crate::error::Call;
use crate::sources::pushing::{self, TagChanges, is_managed, never_alone};
use aws_sdk_ssm as ssm;
use pawl_domain::push::AsText;
use pawl_domain::push::metadata::{ParameterMetadata, ParameterType};
use pawl_domain::push::property::Left;
use pawl_domain::{Kind, PushOutcome, Pushed, SecretValue, Step};
use pawl_ports::{Error, MOST_TRIES};
use ssm::types::{ParameterTier, ResourceTypeForTagging, Tag};
use std::collections::BTreeMap;

const PUT: &str = "ssm:PutParameter";

impl ParameterStore {
    /// Writes a parameter where it is not there as it should be. Source: ESO's `parameterstore.PushSecret`.
    ///
    /// Parameter Store has no conditional write: of two that write different properties at the same moment, the later wins.
    pub(in crate::sources) async fn push(&self, key: &str, pushed: &Pushed) -> Result<PushOutcome, Error> {
        let call = self.writing(PUT, key);
        let metadata = ParameterMetadata::parse(pushed.metadata.as_ref());
        let metadata = metadata.map_err(|error| pushing::of_metadata(&call, &error))?;
        let whole = if metadata.decoded { AsText::Plain } else { AsText::Base64 };
        let given = pushing::given(&call, pushed, whole)?;
        let property = pushed.to.property.as_deref();
        for _ in 0..MOST_TRIES {
            let outcome = match self.standing(key).await? {
                None => {
                    self.create(key, &pushing::written(&call, property, None, given.clone())?, &metadata)
                        .await
                }
                Some(standing) => self.update(key, property, standing, given.clone(), &metadata).await,
            };
            match outcome {
                // Somebody else was first, or it went: what stands there now is read again.
                Err(error) if matches!(error.kind, Kind::Conflict | Kind::NotFound) => {}
                outcome => return outcome,
            }
        }
        Err(never_alone(&call))
    }

    /// Whether there is such a parameter, with the property.
    pub(in crate::sources) async fn exists(&self, key: &str, property: Option<&str>) -> Result<bool, Error> {
        match (self.standing(key).await?, property) {
            (None, _) => Ok(false),
            (Some(_), None) => Ok(true),
            (Some(standing), Some(property)) => {
                pushing::has(&self.writing(GET, key), property, &standing.value)
            }
        }
    }

    /// Deletes what PushSecrets manage. Source: ESO's `parameterstore.DeleteSecret`, which deletes the whole parameter of a
    /// property as well.
    pub(in crate::sources) async fn remove(&self, key: &str, property: Option<&str>) -> Result<(), Error> {
        let Some(standing) = self.standing(key).await? else { return Ok(()) };
        let tags = match self.standing_tags(&standing.name).await {
            Err(error) if error.kind == Kind::NotFound => return Ok(()),
            tags => tags?,
        };
        if !is_managed(&tags) {
            return Ok(());
        }
        let call = self.writing("ssm:DeleteParameter", key);
        if let Some(property) = property {
            match pushing::left(&call, property, &standing.value)? {
                Left::AsItIs => return Ok(()),
                Left::Nothing => {}
                Left::Value(left) => return self.put_left(&standing, &left).await,
            }
        }
        let request = self.client.delete_parameter().name(&standing.name).customize();
        match call.counted(request.config_override(self.identity()).send().await) {
            Err(error) if error.kind == Kind::NotFound => Ok(()),
            deleted => deleted.map(drop),
        }
    }

    /// A new parameter, with its tags. `Conflict` when it is there.
    async fn create(
        &self,
        key: &str,
        value: &SecretValue,
        metadata: &ParameterMetadata,
    ) -> Result<PushOutcome, Error> {
        let call = self.writing(PUT, key);
        let request = self.put(&call, key, value, metadata)?.overwrite(false);
        let request = request.set_tags(Some(tags(metadata.tags.clone())));
        let put = call.counted(request.customize().config_override(self.identity()).send().await)?;
        Ok(PushOutcome::Written { version: Some(put.version.to_string()) })
    }

    async fn update(
        &self,
        key: &str,
        property: Option<&str>,
        standing: Standing,
        given: SecretValue,
        metadata: &ParameterMetadata,
    ) -> Result<PushOutcome, Error> {
        let call = self.writing(PUT, key);
        let standing_tags = self.standing_tags(&standing.name).await?;
        if !is_managed(&standing_tags) {
            return Err(pushing::not_ours(&call));
        }
        let value = pushing::written(&call, property, Some(&standing.value), given)?;
        let mut outcome = PushOutcome::Unchanged;
        if value != standing.value || standing.kind.as_deref() != Some(metadata.kind.as_str()) {
            let request = self.put(&call, &standing.name, &value, metadata)?.overwrite(true);
            let put = call.counted(request.customize().config_override(self.identity()).send().await)?;
            outcome = PushOutcome::Written { version: Some(put.version.to_string()) };
        }
        if metadata.tags_are_given && self.retag(&standing.name, &standing_tags, &metadata.tags).await? {
            let version = standing.version.clone();
            outcome =
                if outcome == PushOutcome::Unchanged { PushOutcome::Written { version } } else { outcome };
        }
        Ok(outcome)
    }

    fn put(
        &self,
        call: &Call<'_>,
        name: &str,
        value: &SecretValue,
        metadata: &ParameterMetadata,
    ) -> Result<ssm::operation::put_parameter::builders::PutParameterFluentBuilder, Error> {
        let mut request = self
            .client
            .put_parameter()
            .name(name)
            .r#type(metadata.kind.as_str().into())
            .description(&metadata.description);
        if metadata.kind == ParameterType::Secure {
            request = request.key_id(&metadata.kms_key);
        }
        if metadata.advanced {
            request = request.tier(ParameterTier::Advanced).set_policies(metadata.policies.clone());
        }
        let text = value.expose_str().ok_or_else(|| {
            call.complaint(
                Kind::Invalid,
                "Parameter Store keeps texts, and the value is not UTF-8; encode it",
            )
        })?;
        Ok(request.value(text))
    }

    /// What is left of a parameter takes its place. All else stays as it stands: what is not said anew AWS takes for its
    /// default, such as the account's own key.
    async fn put_left(&self, standing: &Standing, left: &SecretValue) -> Result<(), Error> {
        let name = &standing.name;
        let call = self.writing(DESCRIBE, name);
        let named = self.filter("Name", "Equals", vec![name.clone()])?;
        let described = self.describe(&call, vec![named]).await?;
        let Some(stands) = described.into_iter().find(|stands| stands.name.as_ref() == Some(name)) else {
            // It went since it was read.
            return Ok(());
        };
        let policies =
            stands.policies.unwrap_or_default().into_iter().filter_map(|policy| policy.policy_text);
        let policies: Vec<_> = policies.collect();
        let call = self.writing(PUT, name);
        let request = self.client.put_parameter().name(name).overwrite(true);
        let request = request
            .set_type(stands.r#type)
            .set_key_id(stands.key_id)
            .set_tier(stands.tier)
            .set_description(stands.description)
            .set_allowed_pattern(stands.allowed_pattern)
            .set_data_type(stands.data_type)
            .set_policies((!policies.is_empty()).then(|| format!("[{}]", policies.join(","))));
        let request = request.set_value(left.expose_str().map(str::to_owned)).customize();
        match call.counted(request.config_override(self.identity()).send().await) {
            Err(error) if error.kind == Kind::NotFound => Ok(()),
            put => put.map(drop),
        }
    }

    /// Makes the tags as they are wanted; `false` when they are.
    async fn retag(
        &self,
        key: &str,
        standing: &BTreeMap<String, String>,
        wanted: &BTreeMap<String, String>,
    ) -> Result<bool, Error> {
        let changes = TagChanges::between(standing, wanted);
        if !changes.remove.is_empty() {
            let call = self.writing("ssm:RemoveTagsFromResource", key);
            let request = self.client.remove_tags_from_resource().resource_id(key);
            let request = request.resource_type(ResourceTypeForTagging::Parameter);
            let request = request.set_tag_keys(Some(changes.remove.clone())).customize();
            call.counted(request.config_override(self.identity()).send().await)?;
        }
        if !changes.set.is_empty() {
            let call = self.writing("ssm:AddTagsToResource", key);
            let request = self.client.add_tags_to_resource().resource_id(key);
            let request = request.resource_type(ResourceTypeForTagging::Parameter);
            let request = request.set_tags(Some(tags(changes.set.clone()))).customize();
            call.counted(request.config_override(self.identity()).send().await)?;
        }
        Ok(!changes.remove.is_empty() || !changes.set.is_empty())
    }

    /// The parameter as it stands; `None` when there is none.
    async fn standing(&self, key: &str) -> Result<Option<Standing>, Error> {
        let call = self.writing(GET, key);
        let request = self.client.get_parameter().name(key).with_decryption(true).customize();
        let answer = match call.counted(request.config_override(self.identity()).send().await) {
            Err(error) if error.kind == Kind::NotFound => return Ok(None),
            answer => answer?.parameter.ok_or_else(|| call.incomplete("the parameter"))?,
        };
        let value = answer.value.ok_or_else(|| call.incomplete("a value"))?;
        Ok(Some(Standing {
            name: answer.name.unwrap_or_else(|| key.to_owned()),
            value: SecretValue::new(value),
            kind: answer.r#type.map(|kind| kind.as_str().to_owned()),
            version: Some(answer.version.to_string()),
        }))
    }

    async fn standing_tags(&self, key: &str) -> Result<BTreeMap<String, String>, Error> {
        let call = self.writing("ssm:ListTagsForResource", key);
        let request = self.client.list_tags_for_resource().resource_id(key);
        let request = request.resource_type(ResourceTypeForTagging::Parameter).customize();
        let answer = call.counted(request.config_override(self.identity()).send().await)?;
        Ok(answer.tag_list.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect())
    }

    fn writing<'a>(&'a self, action: &'static str, subject: &'a str) -> Call<'a> {
        Call { step: Step::Push, ..self.call(action, subject) }
    }
}

/// A parameter that is there.
struct Standing {
    /// Its name, by which it is written: the key may be an ARN.
    name: String,
    value: SecretValue,
    kind: Option<String>,
    version: Option<String>,
}

fn tags(tags: impl IntoIterator<Item = (String, String)>) -> Vec<Tag> {
    // Key and value are all that the SDK demands of a tag.
    tags.into_iter().filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok()).collect()
}
