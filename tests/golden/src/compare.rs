//! What came out against what the operator left behind.

use crate::{Case, Outcome};
use serde_json::{Value, json};

/// How an outcome differs from what was recorded, a line for each part: nothing when it is the same.
///
/// Owners are compared without uids, which no two clusters share. The words of warnings are not compared here: see
/// [`pawl_recorded::same_words`].
pub fn differences(case: &Case, outcome: &Outcome) -> Vec<String> {
    let mut found = Vec::new();
    let expected = case.expect.secret.as_ref().map(normal);
    match (&expected, &outcome.secret) {
        (None, None) => {}
        (Some(_), None) => found.push("no Secret, but there must be one".to_owned()),
        (None, Some(_)) => found.push("a Secret, but there must be none".to_owned()),
        (Some(expected), Some(standing)) => {
            let parts = pawl_recorded::differences(expected, &normal(standing));
            found.extend(parts.into_iter().map(|(path, what)| format!("{path} {what}")));
        }
    }
    if case.expect.ready != outcome.ready {
        let told = |ready: &Option<crate::Ready>| {
            let words =
                |ready: &crate::Ready| format!("{} {} {:?}", ready.status, ready.reason, ready.message);
            ready.as_ref().map_or_else(|| "nothing".to_owned(), words)
        };
        found.push(format!("Ready is {}, not {}", told(&outcome.ready), told(&case.expect.ready)));
    }
    found
}

/// The parts of a Secret that are compared, always there.
fn normal(secret: &Value) -> Value {
    let at =
        |pointers: [&str; 2]| pointers.iter().find_map(|it| secret.pointer(it)).filter(|it| !it.is_null());
    let map = |pointers| at(pointers).cloned().unwrap_or_else(|| json!({}));
    let list = |pointers| at(pointers).cloned().unwrap_or_else(|| json!([]));
    let mut owners = list(["/ownerReferences", "/metadata/ownerReferences"]);
    for owner in owners.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        owner.remove("uid");
        owner.retain(|_, value| *value != json!(false));
    }
    json!({
        "type": at(["/type", "/type"]).cloned().unwrap_or_else(|| json!("Opaque")),
        "data": map(["/data", "/data"]),
        "labels": map(["/labels", "/metadata/labels"]),
        "annotations": map(["/annotations", "/metadata/annotations"]),
        "finalizers": list(["/finalizers", "/metadata/finalizers"]),
        "immutable": at(["/immutable", "/immutable"]).cloned().unwrap_or(Value::Bool(false)),
        "ownerReferences": owners,
    })
}
