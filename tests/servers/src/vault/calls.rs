use std::fmt;

/// One request that the double got, whatever became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultCall {
    /// The HTTP method; `LIST` for a `GET` with `list=true` too, `POST` for `PUT` too.
    pub method: String,
    /// With a slash at its end; empty for the root.
    pub namespace: String,
    /// Relative to the namespace, as in `secret/data/app/db`.
    pub path: String,
    /// What the path is for.
    pub class: CallClass,
}

/// What a path is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallClass {
    /// A login of any method.
    Login,
    /// `auth/token/`: lookups, renewals, revocations.
    Token,
    /// A key of a version 1 engine.
    V1,
    /// `data/` of a version 2 engine.
    Data,
    /// `metadata/` of a version 2 engine, lists too.
    Metadata,
    /// `delete/`, `undelete/` and `destroy/` of a version 2 engine.
    Versions,
    /// `sys/`.
    System,
    /// Anything else, known or not.
    Other,
}

impl fmt::Display for VaultCall {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}{}", self.method, self.namespace, self.path)
    }
}
