//! `spec.provider.aws`: Secrets Manager and Parameter Store.

use super::SecretKeyRef;
use super::spec::{Claims, Identity, Spec};
use crate::key::Location;
use crate::name::{Namespace, ObjectName};
use crate::provider::{Arn, Capabilities, Provider};
use crate::query::Find;
use serde::{Deserialize, Serialize};

/// `spec.provider.aws` of a store.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct AwsStore {
    /// Secrets Manager or Parameter Store.
    pub service: AwsService,
    /// The region whose endpoint is asked.
    pub region: String,
    /// The identity to start from.
    pub auth: AwsAuth,
    /// The role assumed last, if any.
    pub role: Option<String>,
    /// Roles assumed before [`AwsStore::role`], in order.
    pub additional_roles: Vec<String>,
    /// The external id given when `role` is assumed.
    pub external_id: Option<String>,
    /// Session tags, key and value, given when `role` is assumed.
    pub session_tags: Vec<(String, String)>,
    /// Keys of session tags that go on to further roles.
    pub transitive_tag_keys: Vec<String>,
    /// Whether namespace and store are added as session tags.
    pub session_tags_policy: SessionTagsPolicy,
    /// What is put before each key.
    pub prefix: Option<String>,
    /// `retrySettings.maxRetries`; the SDK's default where it is absent.
    pub max_retries: Option<u32>,
    /// How PushSecrets delete secrets of Secrets Manager.
    // Documents from before there were pushes have none, and their digests stay.
    #[serde(default, skip_serializing_if = "AwsDeletion::is_default")]
    pub deletion: AwsDeletion,
}

/// How long a secret can be restored that a PushSecret deleted: ESO's `secretsManager`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum AwsDeletion {
    /// As long as AWS says, 30 days.
    #[default]
    Default,
    /// Not at all: `forceDeleteWithoutRecovery`.
    Forced,
    /// So many days, 7 to 30: `recoveryWindowInDays`.
    After(u32),
}

impl AwsDeletion {
    /// The days that AWS admits. Source: API reference of DeleteSecret.
    pub const DAYS: std::ops::RangeInclusive<u32> = 7..=30;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
    fn is_default(&self) -> bool {
        *self == Self::Default
    }
}

/// The services of AWS that hold secrets.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum AwsService {
    /// AWS Systems Manager Parameter Store.
    ParameterStore,
    /// AWS Secrets Manager.
    SecretsManager,
}

impl AwsService {
    /// The service as a kind of store.
    pub fn provider(self) -> Provider {
        match self {
            Self::ParameterStore => Provider::ParameterStore,
            Self::SecretsManager => Provider::SecretsManager,
        }
    }
}

/// The identity that a store starts from, in ESO's order of precedence.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum AwsAuth {
    /// The credentials that Pawl itself runs with: the SDK's default chain.
    Ambient,
    /// Static keys in Secrets of the target cluster.
    Static {
        /// `accessKeyIDSecretRef`.
        access_key_id: SecretKeyRef,
        /// `secretAccessKeySecretRef`.
        secret_access_key: SecretKeyRef,
        /// `sessionTokenSecretRef`.
        session_token: Option<SecretKeyRef>,
    },
    /// A token of a service account in the target cluster, traded for a role (IRSA).
    ServiceAccount {
        /// The service account's name.
        name: ObjectName,
        /// Its namespace; the declaration's where absent.
        namespace: Option<Namespace>,
        /// Further audiences of the token.
        audiences: Vec<String>,
    },
}

/// ESO's `sessionTagsPolicy`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum SessionTagsPolicy {
    /// Only the tags that the store lists.
    #[default]
    None,
    /// `esoNamespace`, `esoStoreName` and `esoStoreKind` as well.
    Simple,
}

impl Spec for AwsStore {
    /// The account is known when a role is assumed.
    fn location(&self) -> Location {
        let account = self.role.as_deref().and_then(Arn::parse).map(|arn| arn.account.to_owned());
        Location {
            provider: self.service.provider(),
            region: self.region.clone(),
            // No account agrees with an empty one, so a role written without it must not name any.
            account: account.filter(|account| !account.is_empty()),
        }
    }

    fn capabilities(&self) -> Capabilities {
        self.service.provider().profile().capabilities
    }

    fn remote_key(&self, key: &str) -> String {
        match &self.prefix {
            Some(prefix) => format!("{prefix}{key}"),
            None => key.to_owned(),
        }
    }

    /// A search gives whole names, in which the store's prefix stands already.
    fn found_key(&self, name: &str) -> String {
        name.to_owned()
    }

    fn found_name(&self, key: &str) -> String {
        key.to_owned()
    }

    fn listed_name(&self, key: &str) -> String {
        key.to_owned()
    }

    fn finds(&self, find: &Find, named: &dyn Fn(&str) -> bool, name: &str) -> bool {
        (self.service.provider().profile().names)(name).iter().any(|name| {
            let in_path = find
                .path
                .as_deref()
                .is_none_or(|path| name.trim_start_matches('/').starts_with(path.trim_start_matches('/')));
            // A parameter's ARN does not tell whether its name begins with a slash.
            in_path && (named(name) || named(&format!("/{name}")))
        })
    }

    fn refuses(&self, _: &Find) -> Option<&'static str> {
        None
    }

    fn proofs(&self) -> Vec<Option<&Namespace>> {
        self.auth.proofs()
    }

    /// Trust policies of assumed roles can tell tenants apart by the names that sessions carry.
    fn tells_tenants_apart(&self) -> bool {
        let assumes = self.role.is_some() || !self.additional_roles.is_empty();
        assumes || self.session_tags_policy != SessionTagsPolicy::None
    }

    fn identity(&self) -> Identity<'_> {
        if self.auth != AwsAuth::Ambient {
            return Identity::Own;
        }
        let roles: Vec<&str> = self.additional_roles.iter().chain(&self.role).map(String::as_str).collect();
        if roles.is_empty() { Identity::Pawls } else { Identity::Roles(roles) }
    }

    fn claims(&self) -> Claims<'_> {
        Claims {
            region: Some(&self.region),
            server: None,
            authority: None,
            headers: None,
            values: None,
            is_refused: false,
        }
    }

    fn withhold_values(&mut self) -> bool {
        false
    }
}

impl AwsAuth {
    /// The namespaces of the Secrets and service accounts that prove the identity; `None` is the declaration's.
    pub(crate) fn proofs(&self) -> Vec<Option<&Namespace>> {
        match self {
            Self::Ambient => Vec::new(),
            Self::Static { access_key_id, .. } => vec![access_key_id.namespace.as_ref()],
            Self::ServiceAccount { namespace, .. } => vec![namespace.as_ref()],
        }
    }
}
