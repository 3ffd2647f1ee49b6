//! `rewrite[].merge`: the JSON objects in the values become one.

use crate::declaration::{Merge, OnConflict};
use crate::render::error::RewriteProblem;
use crate::render::extract::{Members, object, stringified_all};
use crate::render::keys::{Data, key_of};
use crate::secret::SecretValue;
use pawl_golang::json::{self, Html, Tree};
use std::collections::BTreeSet;

/// With `strategy: Extract` the merged members take the place of all entries; with `JSON` they are one entry more.
pub(super) fn apply(merge: &Merge, mut data: Data) -> Result<Data, RewriteProblem> {
    let merged = merged(merge, &data)?;
    match merge.into.as_deref() {
        None => Ok(stringified_all(merged)),
        Some("") => Err(RewriteProblem::NoInto),
        Some(into) => {
            // What was read from JSON is finite and nests no deeper than can be written.
            let object = json::encode(&Tree::Map(merged), Html::Keep).unwrap_or_default();
            data.insert(into.to_owned(), SecretValue::new(object));
            Ok(data)
        }
    }
}

/// All members, laid over each other: first the keys without priority in order, then those of `priority`.
fn merged(merge: &Merge, data: &Data) -> Result<Members, RewriteProblem> {
    let plain = data.keys().filter(|key| !merge.priority.contains(key));
    let mut merged = Members::new();
    let mut conflicts = BTreeSet::new();
    for key in plain.chain(&merge.priority) {
        let Some(value) = data.get(key) else {
            if merge.ignore_missing_priority {
                continue;
            }
            return Err(RewriteProblem::NoPriority(key.clone()));
        };
        let members = object(value.expose())
            .map_err(|reason| RewriteProblem::NotAnObject { key: key.clone(), reason })?;
        for (name, member) in members {
            if merged.contains_key(&name) {
                conflicts.insert(name.clone());
            }
            merged.insert(name, member);
        }
    }
    if merge.on_conflict == OnConflict::Error && !conflicts.is_empty() {
        return Err(RewriteProblem::Conflicts(conflicts.into_iter().map(key_of).collect()));
    }
    Ok(merged)
}
