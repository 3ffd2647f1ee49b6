//! Merging dicts as dario.cat/mergo does.

use crate::value::{Element, FuncError, MAX_ITEMS, MAX_NESTING, Map, Value};

/// Fills the empty entries of the target from the source, or with `overwrites` all that the source has. Dicts on both
/// sides are merged into one another.
pub(super) fn merge(target: &Map, source: &Map, overwrites: bool) -> Result<(), FuncError> {
    merge_into(target, source, overwrites, 0, &mut 0)
}

fn merge_into(
    target: &Map,
    source: &Map,
    overwrites: bool,
    depth: usize,
    work: &mut usize,
) -> Result<(), FuncError> {
    if depth > MAX_NESTING {
        return Err(FuncError::too_deep());
    }
    if target.same(source) {
        return Ok(());
    }
    for (key, new) in source.entries() {
        *work += 1;
        if *work > MAX_ITEMS {
            return Err(FuncError::too_large());
        }
        let old = target.get(&key);
        if new.is_nil() {
            if overwrites {
                put(target, source, &key, new)?;
            }
            continue;
        }
        if let (Some(Value::Map(old)), Value::Map(new)) = (&old, &new) {
            merge_into(old, new, overwrites, depth + 1, work)?;
            if !old.is_empty() {
                continue;
            }
        }
        if overwrites || old.is_none_or(|old| !old.is_true()) {
            put(target, source, &key, new)?;
        }
    }
    Ok(())
}

fn put(target: &Map, source: &Map, key: &[u8], value: Value) -> Result<(), FuncError> {
    if target.element() == Element::Str && source.element() != Element::Str {
        return Err(FuncError::new("value of type interface {} is not assignable to type string"));
    }
    Ok(target.insert(key, value)?)
}
