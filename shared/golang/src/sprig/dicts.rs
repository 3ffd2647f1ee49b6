//! Dicts. `set`, `unset` and the merges change the dict that they are given, for everyone who holds it.

use super::Row;
use super::args::{arg, dict, list, rest, text, typed_list};
use super::merge::merge;
use super::strings::stringify;
use crate::value::Type::{Any, Dict, Str};
use crate::value::{Element, FuncError, Map, Value};

pub(super) const TABLE: &[Row] = &[
    Row("dict", &[], Some(Any), new),
    Row("get", &[Dict, Str], None, |a| Ok(dict(a, 0).get(text(a, 1)).unwrap_or_else(|| "".into()))),
    Row("set", &[Dict, Str, Any], None, set),
    Row("unset", &[Dict, Str], None, |a| {
        let dict = dict(a, 0);
        dict.remove(text(a, 1));
        Ok(Value::Map(dict))
    }),
    Row("hasKey", &[Dict, Str], None, |a| Ok(dict(a, 0).contains(text(a, 1)).into())),
    Row("pluck", &[Str], Some(Dict), |a| {
        list((1..a.len()).filter_map(|index| dict(a, index).get(text(a, 0))).collect())
    }),
    Row("keys", &[], Some(Dict), |a| {
        let keys = (0..a.len()).flat_map(|index| dict(a, index).entries());
        typed_list(Element::Str, keys.map(|(key, _)| Value::Str(key)).collect())
    }),
    Row("values", &[Dict], None, |a| {
        list(dict(a, 0).entries().into_iter().map(|(_, value)| value).collect())
    }),
    Row("pick", &[Dict], Some(Str), |a| {
        let dict = dict(a, 0);
        let keys = rest(a, 1).iter().filter_map(Value::as_text);
        Ok(Value::dict(keys.filter_map(|key| Some((key.to_vec(), dict.get(key)?)))))
    }),
    Row("omit", &[Dict], Some(Str), |a| {
        let omitted: Vec<&[u8]> = rest(a, 1).iter().filter_map(Value::as_text).collect();
        Ok(Value::dict(dict(a, 0).entries().into_iter().filter(|(key, _)| !omitted.contains(&&**key))))
    }),
    Row("merge", &[Dict], Some(Dict), |a| merge_all(a, false)),
    Row("mustMerge", &[Dict], Some(Dict), |a| merge_all(a, false)),
    Row("mergeOverwrite", &[Dict], Some(Dict), |a| merge_all(a, true)),
    Row("mustMergeOverwrite", &[Dict], Some(Dict), |a| merge_all(a, true)),
    Row("dig", &[], Some(Any), dig),
];

fn new(a: &[Value]) -> Result<Value, FuncError> {
    let mut entries = Vec::with_capacity(a.len() / 2 + 1);
    for pair in a.chunks(2) {
        entries.push((stringify(&pair[0])?, pair.get(1).cloned().unwrap_or_else(|| "".into())));
    }
    Ok(Value::dict(entries))
}

fn set(a: &[Value]) -> Result<Value, FuncError> {
    if arg(a, 0).is_nil() {
        return Err(FuncError::new("assignment to entry in nil map"));
    }
    let dict = dict(a, 0);
    dict.insert(text(a, 1), arg(a, 2).clone())?;
    Ok(Value::Map(dict))
}

fn merge_all(a: &[Value], overwrites: bool) -> Result<Value, FuncError> {
    let target = dict(a, 0);
    for index in 1..a.len() {
        merge(&target, &dict(a, index), overwrites)?;
    }
    Ok(Value::Map(target))
}

/// `dig "a" "b" DEFAULT DICT`: the entry at the end of the path, or the default where the path breaks off.
fn dig(a: &[Value]) -> Result<Value, FuncError> {
    let [path @ .., default, root] = a else {
        return Err(FuncError::new("dig needs at least three arguments"));
    };
    let Some((last, path)) = path.split_last() else {
        return Err(FuncError::new("dig needs at least three arguments"));
    };
    let mut dict = as_dict(root)?;
    for key in path {
        match dict.get(key_of(key)?) {
            Some(next) => dict = as_dict(&next)?,
            None => return Ok(default.clone()),
        }
    }
    Ok(dict.get(key_of(last)?).unwrap_or_else(|| default.clone()))
}

fn as_dict(value: &Value) -> Result<Map, FuncError> {
    match value {
        Value::Map(map) if map.element() == Element::Any => Ok(map.clone()),
        other => Err(FuncError::new(format!(
            "interface conversion: interface {{}} is {}, not map[string]interface {{}}",
            other.type_name()
        ))),
    }
}

fn key_of(value: &Value) -> Result<&[u8], FuncError> {
    value.as_text().ok_or_else(|| {
        FuncError::new(format!("interface conversion: interface {{}} is {}, not string", value.type_name()))
    })
}
