//! Lists. The `must` forms differ from the plain ones only in how Go fails, which templates cannot tell apart.

use std::collections::HashSet;

use super::Row;
use super::args::{arg, int, items, list, out_of_range, rest, typed_list};
use super::cast::to_int64;
use super::defaults::is_empty;
use crate::value::Type::{Any, Int};
use crate::value::{Element, FuncError, List, MAX_ITEMS, Value, deep_equal_within};

pub(super) const TABLE: &[Row] = &[
    Row("list", &[], Some(Any), |a| list(a.to_vec())),
    Row("tuple", &[], Some(Any), |a| list(a.to_vec())),
    Row("append", &[Any, Any], None, append),
    Row("push", &[Any, Any], None, append),
    Row("mustAppend", &[Any, Any], None, append),
    Row("mustPush", &[Any, Any], None, append),
    Row("prepend", &[Any, Any], None, prepend),
    Row("mustPrepend", &[Any, Any], None, prepend),
    Row("first", &[Any], None, first),
    Row("mustFirst", &[Any], None, first),
    Row("last", &[Any], None, last),
    Row("mustLast", &[Any], None, last),
    Row("rest", &[Any], None, rest_of),
    Row("mustRest", &[Any], None, rest_of),
    Row("initial", &[Any], None, initial),
    Row("mustInitial", &[Any], None, initial),
    Row("reverse", &[Any], None, reverse),
    Row("mustReverse", &[Any], None, reverse),
    Row("compact", &[Any], None, compact),
    Row("mustCompact", &[Any], None, compact),
    Row("uniq", &[Any], None, uniq),
    Row("mustUniq", &[Any], None, uniq),
    Row("without", &[Any], Some(Any), without),
    Row("mustWithout", &[Any], Some(Any), without),
    Row("has", &[Any, Any], None, has),
    Row("mustHas", &[Any, Any], None, has),
    Row("slice", &[Any], Some(Any), slice),
    Row("mustSlice", &[Any], Some(Any), slice),
    Row("concat", &[], Some(Any), concat),
    Row("chunk", &[Int, Any], None, chunk),
    Row("mustChunk", &[Int, Any], None, chunk),
];

fn append(a: &[Value]) -> Result<Value, FuncError> {
    let mut items = items(arg(a, 0), "Cannot push on type")?;
    items.push(arg(a, 1).clone());
    list(items)
}

fn prepend(a: &[Value]) -> Result<Value, FuncError> {
    let mut items = items(arg(a, 0), "Cannot prepend on type")?;
    items.insert(0, arg(a, 1).clone());
    list(items)
}

fn first(a: &[Value]) -> Result<Value, FuncError> {
    Ok(items(arg(a, 0), "Cannot find first on type")?.into_iter().next().unwrap_or(Value::Nil))
}

fn last(a: &[Value]) -> Result<Value, FuncError> {
    Ok(items(arg(a, 0), "Cannot find last on type")?.pop().unwrap_or(Value::Nil))
}

fn rest_of(a: &[Value]) -> Result<Value, FuncError> {
    let items = items(arg(a, 0), "Cannot find rest on type")?;
    items.split_first().map_or_else(nil_list, |(_, rest)| list(rest.to_vec()))
}

fn initial(a: &[Value]) -> Result<Value, FuncError> {
    let items = items(arg(a, 0), "Cannot find initial on type")?;
    items.split_last().map_or_else(nil_list, |(_, rest)| list(rest.to_vec()))
}

fn nil_list() -> Result<Value, FuncError> {
    Ok(Value::List(List::nil(Element::Any)))
}

fn reverse(a: &[Value]) -> Result<Value, FuncError> {
    let mut items = items(arg(a, 0), "Cannot find reverse on type")?;
    items.reverse();
    list(items)
}

fn compact(a: &[Value]) -> Result<Value, FuncError> {
    let items = items(arg(a, 0), "Cannot compact on type")?;
    list(items.into_iter().filter(|item| !is_empty(item)).collect())
}

fn uniq(a: &[Value]) -> Result<Value, FuncError> {
    let mut seen = HashSet::new();
    let mut kept: Vec<Value> = Vec::new();
    let mut others: Vec<Value> = Vec::new();
    let mut work = 0;
    for item in items(arg(a, 0), "Cannot find uniq on type")? {
        let new = match scalar(&item) {
            Some(scalar) => seen.insert(scalar),
            None => {
                let new = !is_in(&item, &others, &mut work)?;
                others.extend(new.then(|| item.clone()));
                new
            }
        };
        kept.extend(new.then_some(item));
    }
    list(kept)
}

/// A plain value as something that can be looked up: its type and its bytes.
fn scalar(value: &Value) -> Option<(u8, Vec<u8>)> {
    Some(match value {
        Value::Nil => (0, Vec::new()),
        Value::Bool(value) => (1, vec![u8::from(*value)]),
        Value::Int(value) => (2, value.to_be_bytes().to_vec()),
        Value::Int64(value) => (3, value.to_be_bytes().to_vec()),
        Value::Uint(value) => (4, value.to_be_bytes().to_vec()),
        Value::Byte(value) => (5, vec![*value]),
        Value::Float(value) if !value.is_nan() => (6, (value + 0.0).to_be_bytes().to_vec()),
        Value::Str(text) => (7, text.to_vec()),
        _ => return None,
    })
}

fn is_in(needle: &Value, haystack: &[Value], work: &mut usize) -> Result<bool, FuncError> {
    for item in haystack {
        if deep_equal_within(needle, item, work)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn without(a: &[Value]) -> Result<Value, FuncError> {
    let (items, omitted) = (items(arg(a, 0), "Cannot find without on type")?, rest(a, 1));
    let (mut kept, mut work) = (Vec::new(), 0);
    for item in items {
        if !is_in(&item, omitted, &mut work)? {
            kept.push(item);
        }
    }
    list(kept)
}

fn has(a: &[Value]) -> Result<Value, FuncError> {
    if arg(a, 1).is_nil() {
        return Ok(false.into());
    }
    Ok(is_in(arg(a, 0), &items(arg(a, 1), "Cannot find has on type")?, &mut 0)?.into())
}

fn slice(a: &[Value]) -> Result<Value, FuncError> {
    let items = items(arg(a, 0), "list should be type of slice or array but")?;
    if items.is_empty() {
        return Ok(Value::Nil);
    }
    let start = a.get(1).map_or(0, to_int64);
    let end = a.get(2).map_or(items.len() as i64, to_int64);
    let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    let part = range.and_then(|(start, end)| items.get(start..end)).ok_or_else(out_of_range)?;
    let element = match arg(a, 0) {
        Value::List(list) => list.element(),
        _ => Element::Any,
    };
    typed_list(element, part.to_vec())
}

fn concat(a: &[Value]) -> Result<Value, FuncError> {
    let mut all = Vec::new();
    for value in a {
        all.append(&mut items(value, "Cannot concat type")?);
        if all.len() > MAX_ITEMS {
            return Err(FuncError::too_large());
        }
    }
    if all.is_empty() { nil_list() } else { list(all) }
}

fn chunk(a: &[Value]) -> Result<Value, FuncError> {
    let items = items(arg(a, 1), "Cannot chunk type")?;
    let size = match int(a, 0) {
        size @ 1.. => usize::try_from(size).unwrap_or(usize::MAX),
        // What Go's arithmetic makes of a negative size: one item is a chunk, a few are none.
        size @ ..=-2 if items.len() == 1 => usize::try_from(size.unsigned_abs()).unwrap_or(usize::MAX),
        size @ ..=-1 if items.len() > 1 && items.len() as u64 - 1 <= size.unsigned_abs() => {
            return typed_list(Element::List, Vec::new());
        }
        _ => return Err(out_of_range()),
    };
    typed_list(Element::List, items.chunks(size).map(|chunk| Value::list(chunk.to_vec())).collect())
}
