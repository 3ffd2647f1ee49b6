//! JSON to values and back. The plain forms swallow errors, the `must` forms raise them.

use super::Row;
use super::args::{arg, text};
use crate::json::{Html, Tree, decode, encode, indent};
use crate::value::Type::{Any, Str};
use crate::value::{FuncError, MAX_TEXT, Value};

pub(super) const TABLE: &[Row] = &[
    Row("fromJson", &[Str], None, |a| Ok(read(a).unwrap_or(Value::Nil))),
    Row("mustFromJson", &[Str], None, read),
    Row("toJson", &[Any], None, |a| swallow(write(a, Html::Escape))),
    Row("mustToJson", &[Any], None, |a| bounded(write(a, Html::Escape)?)),
    Row("toPrettyJson", &[Any], None, |a| swallow(pretty(a))),
    Row("mustToPrettyJson", &[Any], None, |a| bounded(pretty(a)?)),
    Row("toRawJson", &[Any], None, |a| bounded(write(a, Html::Keep)?)),
    Row("mustToRawJson", &[Any], None, |a| bounded(write(a, Html::Keep)?)),
];

fn read(a: &[Value]) -> Result<Value, FuncError> {
    decode(text(a, 0)).map(Value::from).map_err(|error| FuncError::new(error.to_string()))
}

fn write(a: &[Value], html: Html) -> Result<Vec<u8>, FuncError> {
    encode(&Tree::try_from(arg(a, 0))?, html).map_err(|error| FuncError::new(error.to_string()))
}

fn pretty(a: &[Value]) -> Result<Vec<u8>, FuncError> {
    Ok(indent(&write(a, Html::Escape)?, "  "))
}

fn bounded(json: Vec<u8>) -> Result<Value, FuncError> {
    if json.len() > MAX_TEXT { Err(FuncError::too_large()) } else { Ok(json.into()) }
}

fn swallow(json: Result<Vec<u8>, FuncError>) -> Result<Value, FuncError> {
    bounded(json.unwrap_or_default())
}
