//! The key/value engines: version 1, which keeps one value of a key, and version 2, which keeps versions of it.

mod key;
mod metadata;
pub(crate) mod v1;
pub(crate) mod v2;
mod versions;

use super::json::Object;
use jiff::Timestamp;

/// One operation on an engine, below its mount.
#[derive(Debug)]
pub(crate) struct Ask<'call> {
    pub(crate) operation: super::call::Operation,
    /// Relative to the mount, without a leading slash.
    pub(crate) path: &'call str,
    pub(crate) data: &'call Object,
    pub(crate) now: Timestamp,
}

/// The names directly below a folder, folders among them with a slash at their end, sorted.
fn children<'key>(keys: impl Iterator<Item = &'key String>, folder: &str) -> Vec<String> {
    let mut names: Vec<String> = keys
        .filter_map(|key| key.strip_prefix(folder))
        .map(|rest| rest.split_inclusive('/').next().unwrap_or_default().to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    names.sort();
    names.dedup();
    names
}
