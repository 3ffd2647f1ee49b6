//! Choosing between values.

use super::Row;
use super::args::{arg, rest};
use crate::value::Type::{Any, Bool};
use crate::value::{FuncError, Value, deep_copy};

pub(super) const TABLE: &[Row] = &[
    Row("default", &[Any], Some(Any), |a| {
        let given = rest(a, 1).first().filter(|given| !is_empty(given));
        Ok(given.unwrap_or(arg(a, 0)).clone())
    }),
    Row("empty", &[Any], None, |a| Ok(is_empty(arg(a, 0)).into())),
    Row("coalesce", &[], Some(Any), |a| {
        Ok(a.iter().find(|value| !is_empty(value)).cloned().unwrap_or(Value::Nil))
    }),
    Row("all", &[], Some(Any), |a| Ok(a.iter().all(|value| !is_empty(value)).into())),
    Row("any", &[], Some(Any), |a| Ok(a.iter().any(|value| !is_empty(value)).into())),
    Row("ternary", &[Any, Any, Bool], None, |a| {
        Ok(arg(a, if matches!(arg(a, 2), Value::Bool(true)) { 0 } else { 1 }).clone())
    }),
    Row("deepCopy", &[Any], None, copy),
    Row("mustDeepCopy", &[Any], None, copy),
];

/// There is no copy of nil in Go.
fn copy(a: &[Value]) -> Result<Value, FuncError> {
    if arg(a, 0).is_nil() {
        return Err(FuncError::new("reflect: call of reflect.Value.Type on zero Value"));
    }
    deep_copy(arg(a, 0))
}

/// Zero, nil, or of length 0. This is what `if` takes for false: structs never are.
pub(super) fn is_empty(value: &Value) -> bool {
    !value.is_true()
}
