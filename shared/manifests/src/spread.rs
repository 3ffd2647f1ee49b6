//! ClusterExternalSecret: where ExternalSecrets are wanted, and what they say.
//!
//! Source of fields and rules: ESO's CRD and controller, version 2.9.

use crate::metadata::{self, Metadata};
use crate::reader::{Fields, Notes};
use crate::{selector, title};
use pawl_domain::reconcile::PAWL_PREFIX;
use pawl_domain::spread::{Content, Parent, Selection, Told};
use pawl_domain::{Home, Namespace, ObjectName, Problem};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The annotation that makes ESO read anew; children get their parent's.
const FORCE_SYNC: &str = "external-secrets.io/force-sync";

/// Reads a ClusterExternalSecret that stands in a cluster, as its API server gave it. `place` is what it is called in problems.
///
/// `None` if it has no name. What its children say goes into them as it is: whether it makes sense they tell themselves.
pub fn parent(object: &Value, place: &str, home: &Home) -> (Option<Parent>, Vec<Problem>) {
    let notes = Notes::of(home);
    let read = Fields::of(object, "", &notes).and_then(of_fields);
    let refused = notes.is_refused();
    let problems = notes.into_problems(place, &title(object));
    let Some(Read { metadata, spread }) = read else { return (None, problems) };
    let why =
        problems.iter().find(|_| refused).map(|problem| format!("{}: {}", problem.field, problem.message));
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let finalizers = object.pointer("/metadata/finalizers").and_then(Value::as_array).into_iter().flatten();
    let parent = Parent {
        name: metadata.name,
        uid: metadata.uid.unwrap_or_default(),
        resource_version: text("/metadata/resourceVersion"),
        child: spread.child,
        selection: why.map_or(Ok(spread.selection), Err),
        content: spread.content,
        finalizers: finalizers.filter_map(Value::as_str).map(str::to_owned).collect(),
        deleting: metadata.deleting,
        told: told(&object["status"]),
    };
    (Some(parent), problems)
}

/// A ClusterExternalSecret as it was applied.
pub(super) struct Applied {
    /// Its name.
    pub(super) name: ObjectName,
    /// Where it is wanted.
    pub(super) selection: Selection,
    /// What is declared there, as the manifest of an ExternalSecret. Its namespace stands for all.
    pub(super) child: Value,
}

/// The namespace that stands for all.
const ANY: &str = "any";

/// Reads one that was applied; whether it may be used, the notes tell. It goes to the clusters that its annotations name.
pub(super) fn applied(root: Fields<'_>, object: &Value) -> Option<Applied> {
    let Read { metadata, spread: Spread { child, selection, content } } = of_fields(root)?;
    let notes_of_pawl = metadata.annotations.into_iter().filter(|(key, _)| key.starts_with(PAWL_PREFIX));
    let annotations: BTreeMap<String, String> =
        content.annotations.into_iter().chain(notes_of_pawl).collect();
    let child = json!({
        "apiVersion": object["apiVersion"],
        "kind": "ExternalSecret",
        "metadata": {
            "name": child.as_str(), "namespace": ANY, "labels": content.labels, "annotations": annotations,
        },
        "spec": content.spec,
    });
    Some(Applied { name: metadata.name, selection, child })
}

/// Where a field of the ExternalSecret stands in the ClusterExternalSecret.
pub(super) fn field_of(field: &str) -> String {
    match field.strip_prefix("spec") {
        Some(rest) => format!("spec.externalSecretSpec{rest}"),
        None => field.to_owned(),
    }
}

/// What is read of a ClusterExternalSecret.
struct Read {
    metadata: Metadata<ObjectName>,
    spread: Spread,
}

/// Its spec.
struct Spread {
    child: ObjectName,
    selection: Selection,
    content: Content,
}

fn of_fields(root: Fields<'_>) -> Option<Read> {
    let (metadata, mut spec) = metadata::read::<ObjectName>(root)?;
    let child = spec.name("externalSecretName").unwrap_or_else(|| metadata.name.clone());
    let selection = selection(&mut spec);
    if spec.has("refreshTime") {
        // Namespaces are followed as they change, and by each index, whatever the time between two looks of ESO.
        spec.duration("refreshTime", "a duration");
    }
    let mut content = spec.object("externalSecretMetadata").map(of_metadata).unwrap_or_default();
    let force = metadata.annotations.get(FORCE_SYNC);
    content.annotations.remove(FORCE_SYNC);
    content.annotations.extend(force.map(|value| (FORCE_SYNC.to_owned(), value.clone())));
    match spec.value("externalSecretSpec") {
        Some(given @ Value::Object(_)) => content.spec = given.clone(),
        Some(_) => {
            spec.error("externalSecretSpec", "expected an object with the fields of an ExternalSecret's spec")
        }
        None => spec.error("externalSecretSpec", "is missing; write the spec of an ExternalSecret"),
    }
    spec.close();
    Some(Read { metadata, spread: Spread { child, selection, content } })
}

fn selection(spec: &mut Fields<'_>) -> Selection {
    let one = spec.object("namespaceSelector").map(selector::read);
    let more = spec.objects("namespaceSelectors").into_iter().map(selector::read);
    let selectors = one.into_iter().chain(more).collect();
    let mut names = BTreeSet::new();
    for (path, value) in spec.list("namespaces") {
        match value.as_str().map(str::parse::<Namespace>) {
            Some(Ok(name)) => drop(names.insert(name)),
            Some(Err(error)) => spec.notes().error(path, error.to_string()),
            None => spec.notes().error(path, "expected the name of a namespace"),
        }
    }
    Selection { selectors, names }
}

fn of_metadata(mut fields: Fields<'_>) -> Content {
    let (labels, annotations) = (fields.text_map("labels"), fields.text_map("annotations"));
    fields.close();
    Content { labels, annotations, spec: Value::Null }
}

/// What stands in the status: nothing that cannot be read keeps it from being written anew.
fn told(status: &Value) -> Told {
    let list = |field: &str| status[field].as_array().into_iter().flatten();
    let ready = list("conditions").find(|condition| condition["type"] == "Ready");
    let failure = |one: &Value| {
        let text = |field: &str| one[field].as_str().map(str::to_owned);
        Some((text("namespace")?, text("reason").unwrap_or_default()))
    };
    let failed: BTreeMap<String, String> = list("failedNamespaces").filter_map(failure).collect();
    let names = list("provisionedNamespaces").filter_map(Value::as_str);
    Told {
        ready: ready.map(|condition| condition["status"] == "True"),
        child: status["externalSecretName"].as_str().and_then(|name| name.parse().ok()),
        failed,
        provisioned: names.filter_map(|name| name.parse().ok()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(object: &Value) -> (Option<Parent>, Vec<String>) {
        let (parent, problems) = parent(object, "cluster blue", &Home::Cluster("blue".parse().unwrap()));
        (parent, problems.iter().map(ToString::to_string).collect())
    }

    fn object(spec: Value) -> Value {
        json!({
            "apiVersion": "external-secrets.io/v1",
            "kind": "ClusterExternalSecret",
            "metadata": { "name": "everywhere", "uid": "u", "resourceVersion": "7" },
            "spec": spec,
        })
    }

    #[test]
    fn everything_is_read() {
        let mut whole = object(json!({
            "externalSecretName": "db",
            "externalSecretMetadata": {
                "labels": { "l": "1" },
                "annotations": { "a": "1", "external-secrets.io/force-sync": "never" },
            },
            "externalSecretSpec": { "data": [], "anything": 1 },
            "namespaceSelector": { "matchLabels": { "a": "b" } },
            "namespaceSelectors": [{ "matchExpressions": [{ "key": "t", "operator": "Exists" }] }],
            "namespaces": ["till", "shop"],
            "refreshTime": "5m",
        }));
        whole["metadata"]["annotations"] = json!({ "external-secrets.io/force-sync": "3", "mine": "x" });
        whole["metadata"]["finalizers"] = json!(["f"]);
        whole["metadata"]["deletionTimestamp"] = json!("2026-11-22T05:00:00Z");
        whole["status"] = json!({
            "conditions": [{ "type": "Other", "status": "True" }, { "type": "Ready", "status": "False" }],
            "externalSecretName": "before",
            "failedNamespaces": [{ "namespace": "x", "reason": "why" }],
            "provisionedNamespaces": ["shop"],
        });
        let (parent, problems) = read(&whole);
        let parent = parent.unwrap();
        assert_eq!(problems, [] as [&str; 0]);
        let selection = parent.selection.unwrap();
        assert_eq!((selection.selectors.len(), selection.names.len()), (2, 2));
        assert_eq!((parent.child.as_str(), parent.uid.as_str()), ("db", "u"));
        assert_eq!(parent.content.spec, json!({ "data": [], "anything": 1 }), "it is copied whole");
        assert_eq!(
            parent.content.annotations["external-secrets.io/force-sync"], "3",
            "the parent's is mirrored"
        );
        assert_eq!(parent.content.annotations.len(), 2, "its other annotations are its own");
        assert!(parent.deleting);
        let told = Told {
            ready: Some(false),
            child: Some("before".parse().unwrap()),
            failed: [("x".to_owned(), "why".to_owned())].into(),
            provisioned: ["shop".parse().unwrap()].into(),
        };
        assert_eq!(parent.told, told);
    }

    #[test]
    fn a_name_is_the_own_one_and_force_sync_goes_with_the_parents() {
        let metadata = json!({ "annotations": { "external-secrets.io/force-sync": "left" } });
        let (parent, _) =
            read(&object(json!({ "externalSecretSpec": {}, "externalSecretMetadata": metadata })));
        let parent = parent.unwrap();
        assert_eq!(parent.child.as_str(), "everywhere");
        assert!(parent.content.annotations.is_empty(), "the parent has none");
        assert_eq!((parent.selection, parent.told), (Ok(Selection::default()), Told::default()));
    }

    #[test]
    fn what_cannot_be_read_is_told_and_chooses_nothing() {
        for (spec, want) in [
            (
                json!({ "externalSecretSpec": {}, "namespaceSelectors": [{ "matchExpressions": [{ "key": "a", "operator": "Is" }] }] }),
                "spec.namespaceSelectors[0].matchExpressions[0].operator",
            ),
            (
                json!({ "externalSecretSpec": {}, "namespaceSelector": { "matchExpressions": [{ "key": "a", "operator": "In" }] } }),
                "spec.namespaceSelector.matchExpressions[0].values: are missing",
            ),
            (json!({ "externalSecretSpec": {}, "namespaces": ["No Name"] }), "spec.namespaces[0]"),
            (json!({ "externalSecretSpec": {}, "externalSecretName": "No Name" }), "spec.externalSecretName"),
            (json!({ "externalSecretSpec": [] }), "spec.externalSecretSpec: expected an object"),
            (json!({ "namespaces": ["shop"] }), "spec.externalSecretSpec: is missing"),
        ] {
            let (parent, problems) = read(&object(spec));
            let why = parent.unwrap().selection.unwrap_err();
            assert!(why.starts_with(want), "{why}");
            assert!(problems[0].contains(want), "{problems:?}");
        }
        assert_eq!(read(&json!({ "kind": "ClusterExternalSecret", "metadata": {} })).0, None);
    }
}
