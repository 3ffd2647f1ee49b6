//! `eq`, `lt` and their kin: numbers compare only with numbers of their own kind, except signed with unsigned.

use crate::value::{FuncError, Value};

#[derive(Clone, Copy, PartialEq)]
enum Basic<'v> {
    Bool(bool),
    Complex(f64, f64),
    Int(i64),
    Uint(u64),
    Float(f64),
    Text(&'v [u8]),
    Other,
}

/// Whether the first equals any of the others.
pub(super) fn equal(first: &Value, others: &[Value]) -> Result<bool, FuncError> {
    if others.is_empty() {
        return Err(FuncError::new("missing argument for comparison"));
    }
    for other in others {
        if equals(first, other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) fn less(a: &Value, b: &Value) -> Result<bool, FuncError> {
    let (x, y) = (plain(a), plain(b));
    match (basic(&x), basic(&y)) {
        (Basic::Other, _) | (_, Basic::Other) => Err(FuncError::new("invalid type for comparison")),
        (Basic::Int(a), Basic::Int(b)) => Ok(a < b),
        (Basic::Uint(a), Basic::Uint(b)) => Ok(a < b),
        (Basic::Float(a), Basic::Float(b)) => Ok(a < b),
        (Basic::Text(a), Basic::Text(b)) => Ok(a < b),
        (Basic::Int(a), Basic::Uint(b)) => Ok(u64::try_from(a).is_err() || a.unsigned_abs() < b),
        (Basic::Uint(a), Basic::Int(b)) => Ok(u64::try_from(b).is_ok_and(|b| a < b)),
        (Basic::Bool(_), Basic::Bool(_)) | (Basic::Complex(..), Basic::Complex(..)) => {
            Err(FuncError::new("invalid type for comparison"))
        }
        _ => Err(incompatible(a, b)),
    }
}

pub(super) fn less_or_equal(a: &Value, b: &Value) -> Result<bool, FuncError> {
    Ok(less(a, b)? || equals(a, b)?)
}

fn equals(a: &Value, b: &Value) -> Result<bool, FuncError> {
    let (x, y) = (plain(a), plain(b));
    match (basic(&x), basic(&y)) {
        (Basic::Int(signed), Basic::Uint(unsigned)) | (Basic::Uint(unsigned), Basic::Int(signed)) => {
            Ok(u64::try_from(signed).is_ok_and(|signed| signed == unsigned))
        }
        (Basic::Other, Basic::Other) => match (a, b) {
            (Value::Nil, Value::Nil) => Ok(true),
            (Value::Nil, other) | (other, Value::Nil) => {
                Ok(matches!(other, Value::List(list) if list.is_nil()))
            }
            (Value::List(a), Value::List(b)) if a.is_nil() || b.is_nil() => Ok(a.is_nil() == b.is_nil()),
            (Value::Object(a), Value::Object(b)) if a.kind() == b.kind() => {
                Ok(a.type_name() == b.type_name() && a.equals(b.as_ref()))
            }
            _ if a.kind() != b.kind() => {
                Err(FuncError::new(format!("non-comparable types {}, {}", a.type_name(), b.type_name())))
            }
            _ => Err(FuncError::new(format!("non-comparable type {}", b.type_name()))),
        },
        (x, y) if std::mem::discriminant(&x) == std::mem::discriminant(&y) => Ok(x == y),
        _ if a.is_nil() || b.is_nil() => Ok(false),
        _ => Err(incompatible(a, b)),
    }
}

fn incompatible(a: &Value, b: &Value) -> FuncError {
    FuncError::new(format!("incompatible types for comparison: {} and {}", a.type_name(), b.type_name()))
}

/// A named number as the number that it is.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(object) => object.underlying().unwrap_or_else(|| value.clone()),
        other => other.clone(),
    }
}

fn basic(value: &Value) -> Basic<'_> {
    match value {
        Value::Bool(value) => Basic::Bool(*value),
        Value::Int(value) | Value::Int64(value) => Basic::Int(*value),
        Value::Uint(value) => Basic::Uint(*value),
        Value::Byte(value) => Basic::Uint((*value).into()),
        Value::Float(value) => Basic::Float(*value),
        Value::Complex(real, imaginary) => Basic::Complex(*real, *imaginary),
        Value::Str(text) => Basic::Text(text),
        _ => Basic::Other,
    }
}
