//! StorePolicy to policies. Every field stands in `docs/store-policy.md`.

use super::metadata;
use super::reader::{Fields, shortened};
use pawl_domain::policy::{Allow, StoreSelector};
use pawl_domain::{ObjectName, StorePolicy};
use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;

/// The policy of a manifest. Whether it may be used, the notes tell: a part that cannot be read must not be left out of one
/// that limits something.
pub(super) fn read(root: Fields<'_>) -> Option<StorePolicy> {
    let notes = root.notes();
    let (metadata, mut spec) = metadata::read::<ObjectName>(root)?;
    if metadata.namespace.is_some() {
        notes.warning("metadata.namespace", "has no effect: a StorePolicy has no namespace");
    }
    let policy = StorePolicy {
        name: metadata.name,
        clusters: some(&mut spec, "clusters"),
        namespaces: some(&mut spec, "namespaces"),
        stores: spec.object("stores").map_or_else(StoreSelector::default, stores),
        allow: spec.object("allow").map(allow).unwrap_or_default(),
    };
    spec.close_strictly();
    for (field, message) in policy.oddities() {
        notes.warning(field, message);
    }
    Some(policy)
}

fn stores(mut fields: Fields<'_>) -> StoreSelector {
    let found = if fields.has("found") { fields.flag("found") } else { StoreSelector::default().found };
    let selector =
        StoreSelector { found, applied: fields.flag("applied"), names: some(&mut fields, "names") };
    fields.close_strictly();
    selector
}

fn allow(mut fields: Fields<'_>) -> Allow {
    let allow = Allow {
        own_identity: fields.flag("ownIdentity"),
        roles: some(&mut fields, "roles").unwrap_or_default(),
        keys: some(&mut fields, "keys").unwrap_or_default(),
        hosts: some(&mut fields, "hosts"),
        addresses: some(&mut fields, "addresses").unwrap_or_default(),
    };
    fields.close_strictly();
    allow
}

/// The items of a list; `None` where the list is absent, which is not the same as an empty one.
fn some<T>(fields: &mut Fields<'_>, field: &'static str) -> Option<BTreeSet<T>>
where
    T: FromStr<Err: Display> + Ord,
{
    if !fields.has(field) {
        return None;
    }
    let texts = fields.texts(field);
    let item = |text: &String| match text.parse::<T>() {
        Ok(item) => Some(item),
        Err(error) => {
            fields.error(field, format!("{:?}: {error}", shortened(text)));
            None
        }
    };
    Some(texts.iter().filter_map(item).collect())
}
