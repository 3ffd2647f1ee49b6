//! `decodingStrategy` and `nullBytePolicy`.

use super::error::EntryProblem;
use super::keys::Data;
use crate::declaration::{Decoding, NullBytes};
use crate::secret::SecretValue;
use pawl_golang::base64::{self, CorruptInput, Encoding};

/// The value behind its encoding. With `Auto` a value that is not base64 stays as it is, and one that only looks like
/// it is decoded all the same, as in ESO.
pub(super) fn decoded(decoding: Decoding, value: SecretValue) -> Result<SecretValue, CorruptInput> {
    let of = |encoding| base64::decode(encoding, value.expose()).map(SecretValue::new);
    match decoding {
        Decoding::None => Ok(value),
        Decoding::Base64 => of(Encoding::Standard),
        Decoding::Base64Url => of(Encoding::Url),
        Decoding::Auto => Ok(of(Encoding::Standard).or_else(|_| of(Encoding::Url)).unwrap_or(value)),
    }
}

/// Every value behind its encoding; of several that are not encoded so, the first in key order is named.
pub(super) fn decoded_all(decoding: Decoding, data: Data) -> Result<Data, EntryProblem> {
    if decoding == Decoding::None {
        return Ok(data);
    }
    let entry = |(key, value)| match decoded(decoding, value) {
        Ok(value) => Ok((key, value)),
        Err(problem) => Err(EntryProblem::Encoding { decoding, key: Some(key), problem }),
    };
    data.into_iter().map(entry).collect()
}

/// Holds entries to `nullBytePolicy`.
pub(super) fn check_null_bytes<'a>(
    policy: NullBytes,
    data: impl IntoIterator<Item = (&'a String, &'a SecretValue)>,
) -> Result<(), EntryProblem> {
    if policy == NullBytes::Ignore {
        return Ok(());
    }
    match data.into_iter().find(|(_, value)| value.expose().contains(&0)) {
        Some((key, _)) => Err(EntryProblem::NullBytes { key: key.clone() }),
        None => Ok(()),
    }
}
