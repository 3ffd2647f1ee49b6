//! SecretStore and ClusterSecretStore to stores.

use crate::provider::{self, Setting};
use crate::reader::{Fields, shortened};
use crate::{ParseOptions, metadata, selector};
use pawl_domain::store::Condition;
use pawl_domain::{Home, ObjectName, Store, StoreId};
use pawl_golang::duration;
use serde_json::Value;

/// The store of a SecretStore, or of a ClusterSecretStore if it is `cluster_wide`. Whether it may be used, the notes
/// tell; `None` also for a store of another class.
pub(super) fn read(root: Fields<'_>, options: &ParseOptions, cluster_wide: bool) -> Option<Store> {
    let notes = root.notes();
    let (metadata, mut spec) = metadata::read::<ObjectName>(root)?;
    if metadata.deleting && matches!(options.home, Home::Cluster(_)) {
        return None;
    }
    if let Some(class) = spec.filled("controller").filter(|class| *class != options.class) {
        let (class, own) = (shortened(class), &options.class);
        notes.warning(
            "spec.controller",
            format!("names class {class:?}, not {own:?}, so the store is passed over"),
        );
        return None;
    }
    let namespace = match (cluster_wide, &metadata.namespace) {
        (false, _) => Some(metadata.namespace(options, notes)?),
        (true, Some(_)) => {
            notes.warning("metadata.namespace", "has no effect: a ClusterSecretStore has no namespace");
            None
        }
        (true, None) => None,
    };
    check_interval(&mut spec);
    let max_retries = retries(&mut spec);
    let conditions = conditions(&mut spec, cluster_wide);
    let backend = provider::read(&mut spec, Setting { own: namespace.as_ref(), max_retries });
    spec.close();
    let id = StoreId { home: options.home.clone(), namespace, name: metadata.name, generator: None };
    Some(Store { id, backend: backend?, conditions, labels: metadata.labels, set: None })
}

/// `retrySettings`: how often a call is tried again.
pub(crate) fn retries(spec: &mut Fields<'_>) -> Option<u32> {
    let mut fields = spec.object("retrySettings")?;
    let max_retries = fields.count("maxRetries");
    if fields.has("retryInterval") {
        let path = fields.path_of("retryInterval");
        fields.notes().warning(path, "has no effect: pauses between retries grow by themselves");
    }
    fields.close();
    max_retries
}

/// How often ESO validates a store, in seconds or as a duration. Pawl finds out when it reads, but what ESO refuses is
/// refused.
fn check_interval(spec: &mut Fields<'_>) {
    let valid = match spec.value("refreshInterval") {
        None => true,
        Some(Value::Number(seconds)) => seconds.as_u64().is_some(),
        Some(Value::String(text)) => duration::parse(text).and_then(duration::Duration::to_std).is_ok(),
        Some(_) => false,
    };
    if !valid {
        spec.error("refreshInterval", "expected a number of seconds of at least 0, or a duration such as 5m");
    }
}

fn conditions(spec: &mut Fields<'_>, cluster_wide: bool) -> Vec<Condition> {
    let conditions: Vec<Condition> = spec.objects("conditions").into_iter().map(condition).collect();
    if !cluster_wide && !conditions.is_empty() {
        let message = "has no effect: only a ClusterSecretStore has conditions";
        spec.notes().warning(spec.path_of("conditions"), message);
        return Vec::new();
    }
    conditions
}

fn condition(mut fields: Fields<'_>) -> Condition {
    let condition = Condition {
        namespaces: fields.texts("namespaces").into_iter().collect(),
        selector: fields.object("namespaceSelector").map(selector::read),
        regexes: fields.texts("namespaceRegexes"),
    };
    if let Err(error) = condition.check() {
        fields.notes().error(fields.path(), error.to_string());
    }
    fields.close();
    condition
}
