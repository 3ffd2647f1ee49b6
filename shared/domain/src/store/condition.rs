//! Which namespaces may use a ClusterSecretStore.

use crate::name::Namespace;
use pawl_golang::regexp::Regexp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

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

    pub(super) fn allows(
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
