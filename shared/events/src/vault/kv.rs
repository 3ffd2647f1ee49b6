//! The paths of KV engines, version 1 and 2.

use super::Kv;
use super::written::{Operation, Touched, Written};
use pawl_domain::Moved;

/// What a write `rest` below its mount touched.
pub(super) fn touched(written: &Written, rest: &str, known: Option<Kv>) -> Vec<Touched> {
    let versioned = second(written, rest).map(|(key, moved)| of(written, &join(&written.mount, key), moved));
    match known {
        Some(Kv::V2) => versioned.into_iter().collect(),
        // Only version 2 numbers what it writes.
        None if written.version.is_some() && versioned.is_some() => versioned.into_iter().collect(),
        None => versioned.into_iter().chain(first(written, &written.path)).collect(),
        Some(Kv::V1) => first(written, &written.path).into_iter().collect(),
    }
}

/// The same for a record that does not tell the mount: each part of the path may be where the key begins.
pub(super) fn guessed(written: &Written) -> Vec<Touched> {
    let mut all: Vec<Touched> = first(written, &written.path).into_iter().collect();
    for (position, _) in written.path.match_indices('/') {
        let (mount, rest) = (&written.path[..position], &written.path[position + 1..]);
        if let Some((key, moved)) = second(written, rest) {
            all.push(of(written, &join(mount, key), moved));
        }
    }
    all
}

/// Version 2: the first part of the path says what is done to the key that follows.
fn second<'a>(written: &Written, rest: &'a str) -> Option<(&'a str, Moved)> {
    let (part, key) = rest.split_once('/')?;
    let moved = match (part, written.operation) {
        ("data", Operation::Write) => Moved::Current,
        ("metadata", Operation::Write) => Moved::Metadata,
        ("data" | "metadata", Operation::Delete) => Moved::Existence,
        // Versions that were in force, or that somebody pinned, go and come back.
        ("delete" | "undelete" | "destroy", Operation::Write) => Moved::Existence,
        _ => return None,
    };
    let key = key.trim_matches('/');
    (!key.is_empty()).then_some((key, moved))
}

/// Version 1: the path is the key.
fn first(written: &Written, path: &str) -> Option<Touched> {
    let moved = match written.operation {
        Operation::Write => Moved::Current,
        Operation::Delete => Moved::Existence,
    };
    let path = path.trim_matches('/');
    let touched = Touched { name: written.named(path), version: None, moved };
    (!path.is_empty() && path != written.mount).then_some(touched)
}

fn of(written: &Written, path: &str, moved: Moved) -> Touched {
    let version = written.version.filter(|_| moved == Moved::Current);
    Touched { name: written.named(path), version, moved }
}

fn join(mount: &str, key: &str) -> String {
    format!("{mount}/{key}")
}
