//! Go's `reflect.DeepEqual`, and deep copies.

use super::{FuncError, List, MAX_ITEMS, MAX_NESTING, Map, Value};

/// Whether two values are equal in type and content, all the way down, as `reflect.DeepEqual` has it.
///
/// # Errors
/// When the values are nested too deeply, or are too large because they share parts many times.
pub fn deep_equal(a: &Value, b: &Value) -> Result<bool, FuncError> {
    equal(a, b, 0, &mut 0)
}

/// As [`deep_equal`], where many comparisons share one allowance: `work` counts up to what one may take.
pub(crate) fn deep_equal_within(a: &Value, b: &Value, work: &mut usize) -> Result<bool, FuncError> {
    equal(a, b, 0, work)
}

/// About how many bytes a value takes with all that is in it, counted up to a limit. Each text, list and map is an
/// allocation of its own.
pub(crate) fn deep_size(value: &Value, limit: usize) -> usize {
    const ALLOCATION: usize = 32;
    let mut size = 0;
    let mut work = vec![value.clone()];
    while let Some(value) = work.pop() {
        size += size_of::<Value>();
        match value {
            Value::Str(text) => size += ALLOCATION + text.len(),
            Value::List(list) => {
                size += 3 * ALLOCATION;
                work.append(&mut list.items());
            }
            Value::Map(map) => {
                size += 3 * ALLOCATION;
                for (key, value) in map.entries() {
                    size += 2 * size_of::<Value>() + ALLOCATION + key.len();
                    work.push(value);
                }
            }
            _ => {}
        }
        if size > limit {
            break;
        }
    }
    size
}

/// How much there is in values, all the way down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Values, each as often as a walk comes to it.
    pub(crate) items: usize,
    /// Bytes of texts.
    pub(crate) bytes: usize,
}

/// How much a walk through all of these values comes to. Counts up to a little more than [`MAX_ITEMS`], where functions that
/// walk give up.
pub(crate) fn extent(values: &[Value]) -> Extent {
    let mut extent = Extent::default();
    let mut work: Vec<Value> = values.to_vec();
    while let Some(value) = work.pop() {
        extent.items += 1;
        match value {
            Value::Str(text) => extent.bytes += text.len(),
            Value::List(list) => work.append(&mut list.items()),
            Value::Map(map) => {
                for (key, value) in map.entries() {
                    extent.bytes += key.len();
                    work.push(value);
                }
            }
            _ => {}
        }
        if extent.items > MAX_ITEMS {
            break;
        }
    }
    extent
}

/// A copy that shares no list and no map with the original.
///
/// # Errors
/// When the value is nested too deeply, or its copy would be too large.
pub fn deep_copy(value: &Value) -> Result<Value, FuncError> {
    copy(value, 0, &mut 0)
}

fn step(depth: usize, work: &mut usize) -> Result<(), FuncError> {
    *work += 1;
    if depth > MAX_NESTING {
        Err(FuncError::too_deep())
    } else if *work > MAX_ITEMS {
        Err(FuncError::too_large())
    } else {
        Ok(())
    }
}

fn equal(a: &Value, b: &Value, depth: usize, work: &mut usize) -> Result<bool, FuncError> {
    step(depth, work)?;
    Ok(match (a, b) {
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b)) | (Value::Int64(a), Value::Int64(b)) => a == b,
        (Value::Uint(a), Value::Uint(b)) => a == b,
        (Value::Byte(a), Value::Byte(b)) => a == b,
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::Complex(a, c), Value::Complex(b, d)) => a == b && c == d,
        (Value::Str(a), Value::Str(b)) => {
            *work += a.len().min(b.len()) / 256;
            a == b
        }
        (Value::Object(a), Value::Object(b)) => a.type_name() == b.type_name() && a.equals(b.as_ref()),
        (Value::List(a), Value::List(b)) => {
            if a.element() != b.element() || a.is_nil() != b.is_nil() || a.len() != b.len() {
                return Ok(false);
            }
            for (a, b) in a.items().iter().zip(b.items().iter()) {
                if !equal(a, b, depth + 1, work)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Map(a), Value::Map(b)) => {
            if a.element() != b.element() || a.len() != b.len() {
                return Ok(false);
            }
            for ((key, a), (other, b)) in a.entries().iter().zip(b.entries().iter()) {
                if key != other || !equal(a, b, depth + 1, work)? {
                    return Ok(false);
                }
            }
            true
        }
        _ => false,
    })
}

fn copy(value: &Value, depth: usize, work: &mut usize) -> Result<Value, FuncError> {
    step(depth, work)?;
    Ok(match value {
        Value::List(list) if !list.is_nil() => {
            let items: Result<_, _> = list.items().iter().map(|item| copy(item, depth + 1, work)).collect();
            Value::List(List::new(list.element(), items?))
        }
        Value::Map(map) => {
            let entries: Result<Vec<_>, FuncError> = map
                .entries()
                .iter()
                .map(|(key, entry)| Ok((key.clone(), copy(entry, depth + 1, work)?)))
                .collect();
            Value::Map(Map::from_entries(map.element(), entries?))
        }
        other => other.clone(),
    })
}
