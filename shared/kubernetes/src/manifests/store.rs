//! SecretStore and ClusterSecretStore to stores.

use super::reader::{Fields, shortened};
use super::{ParseOptions, aws, metadata, selector};
use pawl_domain::store::Condition;
use pawl_domain::{Home, ObjectName, Store, StoreId};

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
    // How often ESO validates a store; Pawl finds out when it reads.
    spec.without_effect(&["refreshInterval"]);
    let max_retries = retries(&mut spec);
    let conditions = conditions(&mut spec, cluster_wide);
    let backend = provider(&mut spec).and_then(|fields| aws::read(fields, namespace.as_ref(), max_retries));
    spec.close();
    let id = StoreId { home: options.home.clone(), namespace, name: metadata.name };
    Some(Store { id, backend: backend?, conditions })
}

fn retries(spec: &mut Fields<'_>) -> Option<u32> {
    let mut fields = spec.object("retrySettings")?;
    let max_retries = fields.count("maxRetries");
    if fields.has("retryInterval") {
        let path = fields.path_of("retryInterval");
        fields.notes().warning(path, "has no effect: pauses between retries grow by themselves");
    }
    fields.close();
    max_retries
}

/// `provider.aws`; any other provider is noted.
fn provider<'a>(spec: &mut Fields<'a>) -> Option<Fields<'a>> {
    if !spec.has("provider") {
        spec.error("provider", "is missing; write provider.aws");
        return None;
    }
    let mut fields = spec.object("provider")?;
    let names: Vec<&str> = fields.names().collect();
    match names[..] {
        ["aws"] => fields.object("aws"),
        [other] => {
            let message = "is not a provider that is supported yet; supported is aws";
            fields.error(&shortened(other), message);
            None
        }
        _ => {
            fields.notes().error(fields.path(), "must have exactly one provider, such as aws");
            None
        }
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
