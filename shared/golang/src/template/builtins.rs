//! The functions that every template has.

use super::{compare, escape};
use crate::fmt;
use crate::prices;
use crate::value::{FuncError, List, Signature, Type, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Builtin {
    And,
    Call,
    Eq,
    Ge,
    Gt,
    Html,
    Index,
    Js,
    Le,
    Len,
    Lt,
    Ne,
    Not,
    Or,
    Print,
    Printf,
    Println,
    Slice,
    Urlquery,
}

impl Builtin {
    pub(super) fn find(name: &str) -> Option<Self> {
        Some(match name {
            "and" => Self::And,
            "call" => Self::Call,
            "eq" => Self::Eq,
            "ge" => Self::Ge,
            "gt" => Self::Gt,
            "html" => Self::Html,
            "index" => Self::Index,
            "js" => Self::Js,
            "le" => Self::Le,
            "len" => Self::Len,
            "lt" => Self::Lt,
            "ne" => Self::Ne,
            "not" => Self::Not,
            "or" => Self::Or,
            "print" => Self::Print,
            "printf" => Self::Printf,
            "println" => Self::Println,
            "slice" => Self::Slice,
            "urlquery" => Self::Urlquery,
            _ => return None,
        })
    }

    pub(super) fn signature(self) -> Signature {
        match self {
            Self::And | Self::Call | Self::Eq | Self::Index | Self::Or | Self::Slice => {
                Signature::with_rest(&[Type::Raw], Type::Raw)
            }
            Self::Ge | Self::Gt | Self::Le | Self::Lt | Self::Ne => {
                Signature::exactly(&[Type::Raw, Type::Raw])
            }
            Self::Len | Self::Not => Signature::exactly(&[Type::Raw]),
            Self::Printf => Signature::with_rest(&[Type::Str], Type::Any),
            Self::Html | Self::Js | Self::Print | Self::Println | Self::Urlquery => {
                Signature::with_rest(&[], Type::Any)
            }
        }
    }

    /// The steps that a call costs beyond its own one and those of reading its arguments.
    pub(super) fn price(self, args: &[Value]) -> u64 {
        match self {
            Self::Html | Self::Js | Self::Print | Self::Printf | Self::Println | Self::Urlquery => {
                prices::written(args)
            }
            _ => 0,
        }
    }

    /// Calls the builtin with arguments that fit its signature. `and` and `or` are the evaluator's own.
    pub(super) fn call(self, args: &[Value]) -> Result<Value, FuncError> {
        let (first, rest) = args.split_first().unwrap_or((&Value::Nil, &[]));
        let second = rest.first().unwrap_or(&Value::Nil);
        Ok(match self {
            Self::And | Self::Or => first.clone(),
            Self::Call => call(first, rest)?,
            Self::Eq => Value::Bool(compare::equal(first, rest)?),
            Self::Ne => Value::Bool(!compare::equal(first, rest)?),
            Self::Lt => Value::Bool(compare::less(first, second)?),
            Self::Le => Value::Bool(compare::less_or_equal(first, second)?),
            Self::Gt => Value::Bool(!compare::less_or_equal(first, second)?),
            Self::Ge => Value::Bool(!compare::less(first, second)?),
            Self::Not => Value::Bool(!first.is_true()),
            Self::Len => len(first)?,
            Self::Index => index(first, rest)?,
            Self::Slice => slice(first, rest)?,
            Self::Print => fmt::sprint(args)?.into(),
            Self::Printf => fmt::sprintf(first.as_text().unwrap_or_default(), rest)?.into(),
            Self::Println => fmt::sprintln(args)?.into(),
            Self::Html => escape::html(&printed(args)?).into(),
            Self::Js => escape::js(&printed(args)?).into(),
            Self::Urlquery => escape::query(&printed(args)?).into(),
        })
    }
}

/// What `print` makes of the arguments, with `<no value>` for nil.
fn printed(args: &[Value]) -> Result<Vec<u8>, FuncError> {
    let args: Vec<Value> =
        args.iter().map(|arg| if arg.is_nil() { "<no value>".into() } else { arg.clone() }).collect();
    fmt::sprint(&args)
}

fn len(value: &Value) -> Result<Value, FuncError> {
    let length = match value {
        Value::Str(text) => text.len(),
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        Value::Nil => return Err(FuncError::new("len of nil pointer")),
        other => return Err(FuncError::new(format!("len of type {}", other.type_name()))),
    };
    Ok(Value::Int(length as i64))
}

fn index(item: &Value, indexes: &[Value]) -> Result<Value, FuncError> {
    if item.is_nil() {
        return Err(FuncError::new("index of untyped nil"));
    }
    let mut item = item.clone();
    for index in indexes {
        let next = match &item {
            Value::Nil => return Err(FuncError::new("index of nil pointer")),
            Value::Str(text) => text.get(position(index, text.len())?).map(|byte| Value::Byte(*byte)),
            Value::List(list) => list.get(position(index, list.len())?),
            Value::Map(map) => {
                let key = match index {
                    Value::Str(key) => key,
                    Value::Nil => return Err(FuncError::new("value is nil; should be of type string")),
                    other => {
                        return Err(FuncError::new(format!(
                            "value has type {}; should be string",
                            other.type_name()
                        )));
                    }
                };
                Some(map.get(key).unwrap_or_else(|| map.zero()))
            }
            other => return Err(FuncError::new(format!("can't index item of type {}", other.type_name()))),
        };
        item = next.ok_or_else(|| FuncError::new("index out of range"))?;
    }
    Ok(item)
}

/// An index into something of this length; the length itself is allowed, as the end of a slice.
fn position(index: &Value, length: usize) -> Result<usize, FuncError> {
    let number = match index {
        Value::Object(object) => object.underlying(),
        _ => None,
    };
    let position = match number.as_ref().unwrap_or(index) {
        Value::Int(number) | Value::Int64(number) => usize::try_from(*number).ok(),
        Value::Uint(number) => usize::try_from(*number).ok(),
        Value::Byte(number) => Some((*number).into()),
        Value::Nil => return Err(FuncError::new("cannot index slice/array with nil")),
        other => {
            return Err(FuncError::new(format!("cannot index slice/array with type {}", other.type_name())));
        }
    };
    position.filter(|position| *position <= length).ok_or_else(|| FuncError::new("index out of range"))
}

fn slice(item: &Value, indexes: &[Value]) -> Result<Value, FuncError> {
    if indexes.len() > 3 {
        return Err(FuncError::new(format!("too many slice indexes: {}", indexes.len())));
    }
    let length = match item {
        Value::Nil => return Err(FuncError::new("slice of untyped nil")),
        Value::Str(_) if indexes.len() == 3 => return Err(FuncError::new("cannot 3-index slice a string")),
        Value::Str(text) => text.len(),
        Value::List(list) => list.len(),
        other => return Err(FuncError::new(format!("can't slice item of type {}", other.type_name()))),
    };
    let mut ends = [0, length, length];
    for (end, index) in ends.iter_mut().zip(indexes) {
        *end = position(index, length)?;
    }
    if ends[0] > ends[1] || ends[1] > ends[2] {
        return Err(FuncError::new("invalid slice index"));
    }
    Ok(match item {
        Value::Str(text) => Value::text(&text[ends[0]..ends[1]]),
        Value::List(list) => {
            let items = list.items();
            Value::List(List::new(list.element(), items.get(ends[0]..ends[1]).unwrap_or_default().to_vec()))
        }
        other => other.clone(),
    })
}

fn call(func: &Value, args: &[Value]) -> Result<Value, FuncError> {
    let func = match func {
        Value::Func(func) => func,
        Value::Nil => return Err(FuncError::new("call of nil")),
        other => return Err(FuncError::new(format!("non-function of type {}", other.type_name()))),
    };
    let signature = func.signature();
    let wanted = signature.fixed.len();
    if args.len() < wanted || signature.rest.is_none() && args.len() > wanted {
        return Err(FuncError::new(format!("wrong number of args: got {} want {wanted}", args.len())));
    }
    for (index, arg) in args.iter().enumerate() {
        let Some(wanted) = signature.parameter(index) else { continue };
        if arg.is_nil() && !wanted.takes_nil() {
            return Err(FuncError::new(format!(
                "arg {index}: value is nil; should be of type {}",
                wanted.name()
            )));
        }
        if !arg.is_nil() && !wanted.takes(arg) {
            let (got, wanted) = (arg.type_name(), wanted.name());
            return Err(FuncError::new(format!("arg {index}: value has type {got}; should be {wanted}")));
        }
    }
    func.call(args)
}
