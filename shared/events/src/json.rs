//! How senders write JSON.

use crate::error::Error;
use serde::Deserialize;

/// Reads a struct from a JSON object. Serde would also take an array of its fields in their order, which no sender
/// sends.
pub(crate) fn object<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, Error> {
    if json.trim_ascii_start().first() == Some(&b'{') {
        return Ok(serde_json::from_slice(json)?);
    }
    serde_json::from_slice::<serde::de::IgnoredAny>(json)?;
    Err(Error::malformed("a JSON object is expected"))
}
