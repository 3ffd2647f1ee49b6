//! Which keys a write touched, as far as declarations can read them.

use super::written::{Operation, Touched, Written};
use super::{Kv, kv};
use pawl_domain::Moved;

/// What a write touched, each key once.
pub(super) fn touched(written: &Written, known: Option<Kv>) -> Vec<Touched> {
    let internal = ["sys", "auth", "identity", "cubbyhole"];
    let first = written.path.split('/').next().unwrap_or_default();
    if written.path.trim_matches('/').is_empty()
        || !matches!(written.class.as_str(), "" | "secret")
        || internal.contains(&first)
    {
        return Vec::new();
    }
    match (written.engine.as_str(), written.within()) {
        ("kv" | "generic" | "", Some(rest)) => kv::touched(written, rest, known),
        // Without a mount, only the path can tell.
        ("kv" | "generic" | "", None) => kv::guessed(written),
        (engine, rest) => other(written, engine, rest.unwrap_or_default()),
    }
}

/// Any other engine: the path itself, and where a role's credentials are read when it is the role that was written.
fn other(written: &Written, engine: &str, rest: &str) -> Vec<Touched> {
    let moved = match written.operation {
        Operation::Write => Moved::Current,
        Operation::Delete => Moved::Existence,
    };
    let touched = |path: &str| Touched { name: written.named(path), version: None, moved: moved.clone() };
    let mut all = vec![touched(written.path.trim_matches('/'))];
    let credentials = match engine {
        "ldap" | "ad" | "openldap" => "static-cred",
        _ => "static-creds",
    };
    for role in ["rotate-role/", "static-roles/", "static-role/"] {
        if let Some(name) = rest.strip_prefix(role) {
            all.push(touched(&format!("{}/{credentials}/{name}", written.mount)));
        }
    }
    all
}
