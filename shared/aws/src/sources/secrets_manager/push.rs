//! Writes and deletes secrets for PushSecrets.
//!
//! Secrets Manager has no conditional write, but it takes each token of a new version once ([`tokens`]), so that of two writers
//! that started from the same versions one is refused and reads again.

mod around;
mod tokens;

use super::{CURRENT, SecretsManager, value, with_stage};
use crate::error::Call;
use crate::sources::pushing::{self, is_managed, never_alone};
use aws_smithy_types::Blob;
use pawl_domain::push::AsText;
use pawl_domain::push::metadata::{PushFormat, SecretMetadata};
use pawl_domain::push::property::Left;
use pawl_domain::store::AwsDeletion;
use pawl_domain::{Access, Kind, PushOutcome, Pushed, SecretValue, Step};
use pawl_ports::{ClusterCredentials, Error, MOST_TRIES};
use std::collections::{BTreeMap, HashMap};
use tokens::{FIRST_VERSION, Tokens};

const CREATE: &str = "secretsmanager:CreateSecret";
const PUT: &str = "secretsmanager:PutSecretValue";

impl SecretsManager {
    /// Writes a secret where it is not there as it should be. Source: ESO's `secretsmanager.PushSecret`.
    pub(in crate::sources) async fn push<C: ClusterCredentials>(
        &self,
        key: &str,
        pushed: &Pushed,
        access: &Access,
        clusters: &C,
    ) -> Result<PushOutcome, Error> {
        let call = self.writing(PUT, key);
        let metadata = SecretMetadata::parse(pushed.metadata.as_ref());
        let metadata = metadata.map_err(|error| pushing::of_metadata(&call, &error))?;
        let given = pushing::given(&call, pushed, AsText::Plain)?;
        let policy = self.policy(&call, &metadata, access, clusters).await?;
        let push = Push { key, property: pushed.to.property.as_deref(), given, metadata, policy };
        let mut tokens = Tokens::default();
        for _ in 0..MOST_TRIES {
            let outcome = match self.known(key).await? {
                None => self.create(&push).await,
                Some(known) => self.update(&push, known, &mut tokens).await,
            };
            match outcome {
                // Somebody else was first, or it went: what stands there now is read again.
                Err(error) if matches!(error.kind, Kind::Conflict | Kind::NotFound) => {}
                outcome => return outcome,
            }
        }
        Err(never_alone(&call))
    }

    /// Whether there is such a secret, with the property. One that is marked for deletion is not there.
    pub(in crate::sources) async fn exists(&self, key: &str, property: Option<&str>) -> Result<bool, Error> {
        let standing = match self.standing(key).await {
            Err(error) if error.kind == Kind::NotFound => return Ok(false),
            standing => standing?,
        };
        let call = self.writing(GET, key);
        property.map_or(Ok(true), |property| pushing::has(&call, property, &standing.value))
    }

    /// Deletes what PushSecrets manage. Source: ESO's `secretsmanager.DeleteSecret`, which deletes the whole secret of a
    /// property as well.
    pub(in crate::sources) async fn remove(
        &self,
        key: &str,
        property: Option<&str>,
        deletion: AwsDeletion,
    ) -> Result<(), Error> {
        let mut tokens = Tokens::default();
        for _ in 0..MOST_TRIES {
            let Some(known) = self.known(key).await? else { return Ok(()) };
            if known.is_deleted || !is_managed(&known.tags) {
                return Ok(());
            }
            match self.take_away(key, property, &known, deletion, &mut tokens).await {
                Err(error) if error.kind == Kind::Conflict => {}
                // It went since it was looked at.
                Err(error) if error.kind == Kind::NotFound => return Ok(()),
                taken => return taken,
            }
        }
        Err(never_alone(&self.writing(PUT, key)))
    }

    async fn take_away(
        &self,
        key: &str,
        property: Option<&str>,
        known: &Known,
        deletion: AwsDeletion,
        tokens: &mut Tokens,
    ) -> Result<(), Error> {
        if let Some(property) = property
            && !known.versions.is_empty()
        {
            // Where none is in force, the others are somebody else's: a rotation that has begun.
            if !known.is_in_force() {
                return Ok(());
            }
            let standing = self.standing(key).await?;
            match pushing::left(&self.writing(PUT, key), property, &standing.value)? {
                Left::AsItIs => return Ok(()),
                Left::Nothing => {}
                Left::Value(left) => {
                    return self.put(key, &left, standing.format, &known.versions, tokens).await.map(drop);
                }
            }
        }
        self.delete(key, known, deletion).await
    }

    /// A new secret, with its tags. `Conflict` when it is there.
    async fn create(&self, push: &Push<'_>) -> Result<PushOutcome, Error> {
        let call = self.writing(CREATE, push.key);
        let value = pushing::written(&call, push.property, None, push.given.clone())?;
        let (text, binary) = kept(&call, &value, push.metadata.format)?;
        let request = self
            .client
            .create_secret()
            .name(push.key)
            .description(&push.metadata.description)
            .kms_key_id(&push.metadata.kms_key)
            .client_request_token(FIRST_VERSION)
            .set_tags(Some(around::tags(push.metadata.tags.clone())))
            .set_add_replica_regions(around::replicas(&push.metadata))
            .set_secret_string(text)
            .set_secret_binary(binary);
        let created = call.counted(request.customize().config_override(self.identity()).send().await)?;
        if let Some(policy) = &push.policy {
            self.put_policy(push.key, policy).await?;
        }
        Ok(PushOutcome::Written { version: created.version_id })
    }

    async fn update(&self, push: &Push<'_>, known: Known, tokens: &mut Tokens) -> Result<PushOutcome, Error> {
        let call = self.writing(PUT, push.key);
        if !is_managed(&known.tags) {
            return Err(pushing::not_ours(&call));
        }
        if known.is_deleted {
            self.restore(push.key).await?;
        }
        let standing = match known.is_in_force() {
            true => Some(self.standing(push.key).await?),
            false => None,
        };
        let stands = standing.as_ref().map(|standing| &standing.value);
        let value = pushing::written(&call, push.property, stands, push.given.clone())?;
        let changed = self.around(push, &known).await? || known.is_deleted;
        if let Some(standing) = standing.filter(|standing| standing.value == value) {
            let version = standing.version;
            return Ok(if changed { PushOutcome::Written { version } } else { PushOutcome::Unchanged });
        }
        let version = self.put(push.key, &value, push.metadata.format, &known.versions, tokens).await?;
        Ok(PushOutcome::Written { version })
    }

    /// A new version behind those that were read, which comes into force.
    ///
    /// # Errors
    /// `Conflict` where somebody else wrote since they were read.
    async fn put(
        &self,
        key: &str,
        value: &SecretValue,
        format: PushFormat,
        read: &HashMap<String, Vec<String>>,
        tokens: &mut Tokens,
    ) -> Result<Option<String>, Error> {
        let call = self.writing(PUT, key);
        let (text, binary) = kept(&call, value, format)?;
        let token = tokens.behind(read);
        let request = self.client.put_secret_value().secret_id(key).client_request_token(&token);
        let request = request.set_secret_string(text).set_secret_binary(binary).customize();
        let put = match call.counted(request.config_override(self.identity()).send().await) {
            Err(error) if error.kind == Kind::Conflict => {
                tokens.refused(token);
                return Err(error);
            }
            put => put?,
        };
        // An old version answers to its token again, and does not come into force.
        if !put.version_stages.unwrap_or_default().iter().any(|stage| stage == CURRENT) {
            tokens.refused(token);
            return Err(
                call.complaint(Kind::Conflict, "an older version has these bytes; it is written anew")
            );
        }
        Ok(put.version_id)
    }

    /// What is known about a secret without its value; `None` when there is none.
    async fn known(&self, key: &str) -> Result<Option<Known>, Error> {
        let call = self.writing("secretsmanager:DescribeSecret", key);
        let request = self.client.describe_secret().secret_id(key).customize();
        let answer = match call.counted(request.config_override(self.identity()).send().await) {
            Err(error) if error.kind == Kind::NotFound => return Ok(None),
            answer => answer?,
        };
        let tags = answer.tags.unwrap_or_default().into_iter();
        let replicas = answer.replication_status.unwrap_or_default().into_iter();
        Ok(Some(Known {
            tags: tags.filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default()))).collect(),
            is_deleted: answer.deleted_date.is_some(),
            versions: answer.version_ids_to_stages.unwrap_or_default(),
            kms_key: answer.kms_key_id,
            replicas: replicas.filter_map(|replica| replica.region).collect(),
        }))
    }

    /// The value in force.
    async fn standing(&self, key: &str) -> Result<Standing, Error> {
        let call = self.writing(GET, key);
        let request = self.client.get_secret_value().secret_id(key).version_stage(CURRENT).customize();
        let answer = call.counted(request.config_override(self.identity()).send().await)?;
        let format = if answer.secret_string.is_some() { PushFormat::Text } else { PushFormat::Binary };
        let value = value(answer.secret_string, answer.secret_binary);
        let value = value.ok_or_else(|| call.incomplete("a value"))?;
        Ok(Standing { value, format, version: answer.version_id })
    }

    fn writing<'a>(&'a self, action: &'static str, subject: &'a str) -> Call<'a> {
        Call { step: Step::Push, ..self.call(action, subject) }
    }
}

const GET: &str = "secretsmanager:GetSecretValue";

/// What is pushed, read and ready.
struct Push<'a> {
    key: &'a str,
    property: Option<&'a str>,
    given: SecretValue,
    metadata: SecretMetadata,
    policy: Option<around::Policy>,
}

/// What is known about a secret that is there.
struct Known {
    tags: BTreeMap<String, String>,
    is_deleted: bool,
    versions: HashMap<String, Vec<String>>,
    kms_key: Option<String>,
    replicas: Vec<String>,
}

impl Known {
    /// Whether it has a value that is in force. A secret without any version has none, and one whose first rotation has begun.
    fn is_in_force(&self) -> bool {
        with_stage(&self.versions, CURRENT).is_some()
    }
}

/// A value that is there.
struct Standing {
    value: SecretValue,
    format: PushFormat,
    version: Option<String>,
}

/// The value in the field that it is kept in.
fn kept(
    call: &Call<'_>,
    value: &SecretValue,
    format: PushFormat,
) -> Result<(Option<String>, Option<Blob>), Error> {
    if format == PushFormat::Binary {
        return Ok((None, Some(Blob::new(value.expose()))));
    }
    let text = value.expose_str().ok_or_else(|| {
        call.complaint(Kind::Invalid, "the value is not UTF-8; leave secretPushFormat out, or encode it")
    })?;
    Ok((Some(text.to_owned()), None))
}
