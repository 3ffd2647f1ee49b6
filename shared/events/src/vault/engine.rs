//! Which keys a write touched, as far as declarations can read them.

use super::{Kv, kv};
use pawl_domain::Moved;

/// The operations that can change what is read. Whether a first write is told as a create or an update is the
/// engine's affair.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Operation {
    /// `create`, `update` and `patch`.
    Write,
    /// `delete`.
    Delete,
}

impl Operation {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "create" | "update" | "patch" => Some(Self::Write),
            "delete" => Some(Self::Delete),
            _ => None,
        }
    }
}

/// A write that succeeded.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) operation: Operation,
    /// The version that it made, where the engine told.
    pub(super) version: Option<u64>,
    /// `secret`, `auth`...; empty in records of older servers.
    pub(super) class: String,
    /// The engine: `kv`, `database`...; empty in records of older servers.
    pub(super) engine: String,
    /// The namespace, without slashes around it; empty for the root.
    pub(super) namespace: String,
    /// The mount within the namespace, without slashes around it; empty if the record does not tell.
    pub(super) mount: String,
    /// The path within the namespace, the mount included.
    pub(super) path: String,
}

impl Written {
    /// The mount with its namespace, as mounts are named in the configuration.
    pub(super) fn full_mount(&self) -> String {
        self.named(&self.mount)
    }

    /// A path of this namespace in the form in which keys are indexed.
    pub(super) fn named(&self, path: &str) -> String {
        match self.namespace.as_str() {
            "" => path.to_owned(),
            namespace => format!("{namespace}/{path}"),
        }
    }

    /// The path below the mount; `None` if it is not below it.
    fn within(&self) -> Option<&str> {
        self.path.strip_prefix(self.mount.as_str())?.strip_prefix('/')
    }
}

/// A key whose value, existence or metadata may have moved.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Touched {
    /// `<namespace>/<mount>/<path>`.
    pub(super) name: String,
    /// The version now in force.
    pub(super) version: Option<u64>,
    pub(super) moved: Moved,
}

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
