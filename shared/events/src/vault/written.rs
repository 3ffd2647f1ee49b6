//! A write as an audit record tells it, and the keys that it touched.

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
    pub(super) fn within(&self) -> Option<&str> {
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
