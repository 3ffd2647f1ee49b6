//! JSON to values and back. The plain forms swallow errors, the `must` forms raise them.

use super::Row;
use super::args::{arg, text};
use crate::json::{DecodeError, EncodeError, Html, Tree, decode, encode, indent};
use crate::value::Type::{Any, Str};
use crate::value::{FuncError, MAX_ITEMS, MAX_TEXT, Value};

pub(super) const TABLE: &[Row] = &[
    Row("fromJson", &[Str], None, |a| swallowed(read(a), Value::Nil)),
    Row("mustFromJson", &[Str], None, read),
    Row("toJson", &[Any], None, |a| bounded(swallowed(write(a, Html::Escape), Vec::new())?)),
    Row("mustToJson", &[Any], None, |a| bounded(write(a, Html::Escape)?)),
    Row("toPrettyJson", &[Any], None, |a| bounded(swallowed(pretty(a), Vec::new())?)),
    Row("mustToPrettyJson", &[Any], None, |a| bounded(pretty(a)?)),
    Row("toRawJson", &[Any], None, |a| bounded(write(a, Html::Keep)?)),
    Row("mustToRawJson", &[Any], None, |a| bounded(write(a, Html::Keep)?)),
];

fn read(a: &[Value]) -> Result<Value, FuncError> {
    if text(a, 0).iter().filter(|byte| b",[{".contains(byte)).count() > MAX_ITEMS {
        return Err(FuncError::too_large());
    }
    decode(text(a, 0)).map(Value::from).map_err(|error| match error {
        DecodeError::TooDeep => FuncError::too_deep(),
        other => FuncError::new(other.to_string()),
    })
}

fn write(a: &[Value], html: Html) -> Result<Vec<u8>, FuncError> {
    encode(&Tree::try_from(arg(a, 0))?, html).map_err(|error| match error {
        EncodeError::TooDeep => FuncError::too_deep(),
        other => FuncError::new(other.to_string()),
    })
}

fn pretty(a: &[Value]) -> Result<Vec<u8>, FuncError> {
    let json = write(a, Html::Escape)?;
    if indented_length(&json) > MAX_TEXT {
        return Err(FuncError::too_large());
    }
    Ok(indent(&json, "  "))
}

/// At most how long valid JSON is when each of its parts stands on a line of its own.
fn indented_length(json: &[u8]) -> usize {
    let (mut length, mut depth, mut quoted, mut escaped) = (json.len(), 0_usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' | b':' => {}
            _ => continue,
        }
        if !quoted && matches!(byte, b'{' | b'[' | b'}' | b']' | b',' | b':') {
            length += 1 + 2 * depth;
        }
    }
    length
}

fn bounded(json: Vec<u8>) -> Result<Value, FuncError> {
    if json.len() > MAX_TEXT { Err(FuncError::too_large()) } else { Ok(json.into()) }
}

/// What Go takes for nothing is nothing; what only we refuse is an error.
fn swallowed<T>(result: Result<T, FuncError>, nothing: T) -> Result<T, FuncError> {
    match result {
        Err(error) if error == FuncError::too_deep() || error == FuncError::too_large() => Err(error),
        other => Ok(other.unwrap_or(nothing)),
    }
}
