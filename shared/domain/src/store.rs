//! Stores: the places that hold secrets, as SecretStore and ClusterSecretStore declare them.

use crate::key::{Arn, Location, Provider};
use crate::name::{ClusterName, Namespace, ObjectName};
use pawl_golang::regexp::Regexp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Where a manifest was found. A declaration may only use stores of its own home.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Home {
    /// Handed to Pawl directly, as by `pawl apply`.
    Applied,
    /// Read from a cluster's API server.
    Cluster(ClusterName),
}

/// Identifies a store: the home it was found in, its namespace (`None` for a ClusterSecretStore) and its name.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct StoreId {
    /// Where the manifest was found.
    pub home: Home,
    /// The namespace of a SecretStore; `None` for a ClusterSecretStore.
    pub namespace: Option<Namespace>,
    /// The store's name.
    pub name: ObjectName,
}

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Home::Cluster(cluster) = &self.home {
            write!(f, "{cluster}/")?;
        }
        match &self.namespace {
            Some(namespace) => write!(f, "SecretStore {namespace}/{}", self.name),
            None => write!(f, "ClusterSecretStore {}", self.name),
        }
    }
}

/// A SecretStore or ClusterSecretStore, parsed and closed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Store {
    /// Which store this is.
    pub id: StoreId,
    /// How its keys are read.
    pub backend: Backend,
    /// Which namespaces may use a ClusterSecretStore; empty allows all. Always empty for a SecretStore.
    pub conditions: Vec<Condition>,
}

impl Store {
    /// Where this store's keys live; the account is known when a role is assumed.
    pub fn location(&self) -> Location {
        let Backend::Aws(aws) = &self.backend;
        let account = aws.role.as_deref().and_then(Arn::parse).map(|arn| arn.account.to_owned());
        Location {
            provider: aws.service,
            region: aws.region.clone(),
            // No account agrees with an empty one, so a role written without it must not name any.
            account: account.filter(|account| !account.is_empty()),
        }
    }

    /// The key as this store's provider knows it: the store's prefix, then the declared key.
    pub fn remote_key(&self, key: &str) -> String {
        let Backend::Aws(aws) = &self.backend;
        match &aws.prefix {
            Some(prefix) => format!("{prefix}{key}"),
            None => key.to_owned(),
        }
    }

    /// With which identity a declaration in `namespace` of `cluster` reads this store.
    pub fn access(&self, cluster: &ClusterName, namespace: &Namespace) -> Access {
        let Backend::Aws(aws) = &self.backend;
        let explicit = match &aws.auth {
            AwsAuth::Ambient => None,
            AwsAuth::Static { access_key_id, .. } => Some(access_key_id.namespace.clone()),
            AwsAuth::ServiceAccount { namespace, .. } => Some(namespace.clone()),
        };
        let tagged = aws.session_tags_policy != SessionTagsPolicy::None;
        let own = self.id.namespace.clone();
        Access {
            backend: self.backend.clone(),
            cluster: explicit.is_some().then(|| cluster.clone()),
            namespace: explicit.map(|named| own.or(named).unwrap_or_else(|| namespace.clone())),
            tags: tagged.then(|| (namespace.clone(), self.id.clone())),
        }
    }

    /// Whether a namespace with these labels may use this store. Source: ESO's ClusterSecretStore conditions: the
    /// list is a disjunction, and an empty list allows everybody.
    ///
    /// # Errors
    /// [`InvalidCondition`] when a condition's regular expression does not compile; the store needs mending.
    pub fn allows(
        &self,
        namespace: &Namespace,
        labels: &BTreeMap<String, String>,
    ) -> Result<bool, InvalidCondition> {
        if self.conditions.is_empty() {
            return Ok(true);
        }
        for condition in &self.conditions {
            if condition.allows(namespace, labels)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// True when [`Store::allows`] looks at the namespace's labels, so that they must be read first.
    pub fn needs_namespace_labels(&self) -> bool {
        self.conditions.iter().any(|condition| condition.selector.is_some())
    }
}

/// How a store's keys are read. Providers are variants here.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Backend {
    /// AWS Secrets Manager or Parameter Store.
    Aws(AwsStore),
}

/// `spec.provider.aws` of a store.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct AwsStore {
    /// Secrets Manager or Parameter Store.
    pub service: Provider,
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

/// One key of a Secret in the target cluster.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct SecretKeyRef {
    /// The Secret's name.
    pub name: ObjectName,
    /// The key in its data.
    pub key: String,
    /// Its namespace; the declaration's where absent.
    pub namespace: Option<Namespace>,
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

/// An identity that reads keys. Equal accesses see equal values, so what one has fetched serves all of them.
///
/// Cluster and namespace are set only where the credentials depend on them: a value that was read with one cluster's
/// credentials is never handed to another cluster.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Access {
    /// What is read, and with which roles.
    pub backend: Backend,
    /// The cluster whose Secrets or service accounts prove the identity.
    pub cluster: Option<ClusterName>,
    /// The namespace of that proof.
    pub namespace: Option<Namespace>,
    /// The declaration's namespace and the store, where session tags name them.
    pub tags: Option<(Namespace, StoreId)>,
}

/// One entry of `spec.conditions`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Condition {
    /// Namespaces by name.
    pub namespaces: BTreeSet<String>,
    /// Namespaces by regular expression, not anchored.
    pub regexes: Vec<String>,
    /// Namespaces by label.
    pub selector: Option<LabelSelector>,
}

impl Condition {
    /// Whether every regular expression compiles, to be asked before the condition is kept.
    ///
    /// # Errors
    /// [`InvalidCondition`] for the first one that does not.
    pub fn check(&self) -> Result<(), InvalidCondition> {
        self.regexes.iter().try_for_each(|text| compiled(text).map(|_| ()))
    }

    fn allows(
        &self,
        namespace: &Namespace,
        labels: &BTreeMap<String, String>,
    ) -> Result<bool, InvalidCondition> {
        if self.namespaces.contains(namespace.as_str()) {
            return Ok(true);
        }
        if self.selector.as_ref().is_some_and(|selector| selector.matches(labels)) {
            return Ok(true);
        }
        for text in &self.regexes {
            if compiled(text)?.is_match(namespace.as_str()) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn compiled(pattern: &str) -> Result<Regexp, InvalidCondition> {
    Regexp::new(pattern)
        .map_err(|error| InvalidCondition { pattern: pattern.to_owned(), reason: error.to_string() })
}

/// A condition's regular expression does not compile.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("namespaceRegexes has {pattern:?}, which is not a regular expression: {reason}")]
pub struct InvalidCondition {
    pattern: String,
    reason: String,
}

/// A Kubernetes label selector: all parts must hold.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct LabelSelector {
    /// Labels that must have exactly this value.
    pub labels: BTreeMap<String, String>,
    /// Further requirements.
    pub expressions: Vec<LabelRequirement>,
}

impl LabelSelector {
    /// Whether the labels satisfy every part. The empty selector matches everything.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.labels.iter().all(|(key, value)| labels.get(key) == Some(value))
            && self.expressions.iter().all(|requirement| requirement.matches(labels))
    }
}

/// One of `matchExpressions`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct LabelRequirement {
    /// The label's key.
    pub key: String,
    /// What must hold for its value.
    pub operator: LabelOperator,
}

impl LabelRequirement {
    fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.key);
        match &self.operator {
            LabelOperator::In(values) => value.is_some_and(|value| values.contains(value)),
            LabelOperator::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
            LabelOperator::Exists => value.is_some(),
            LabelOperator::DoesNotExist => value.is_none(),
        }
    }
}

/// The operators of `matchExpressions`, with their values.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum LabelOperator {
    /// The label exists with one of these values.
    In(BTreeSet<String>),
    /// The label is absent or has none of these values.
    NotIn(BTreeSet<String>),
    /// The label exists.
    Exists,
    /// The label is absent.
    DoesNotExist,
}
