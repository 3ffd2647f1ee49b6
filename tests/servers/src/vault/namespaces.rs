//! Namespaces: each with its own mounts and policies, one inside of the other.

use super::{
    ids,
    json::Json,
    mounts::Mount,
    policy::{DEFAULT, Policy},
};
use std::collections::BTreeMap;

/// One namespace. The root's path is empty, others end with a slash.
#[derive(Debug)]
pub(crate) struct Namespace {
    pub(crate) id: String,
    uuid: String,
    /// By path, with a slash at the end; methods of authentication under `auth/`.
    pub(crate) mounts: BTreeMap<String, Mount>,
    pub(crate) policies: BTreeMap<String, Policy>,
}

/// All namespaces, by path.
#[derive(Debug)]
pub(crate) struct Namespaces(pub(crate) BTreeMap<String, Namespace>);

impl Namespaces {
    /// The root alone.
    pub(crate) fn new() -> Self {
        let root = Namespace { id: "root".to_owned(), ..Namespace::new(true) };
        Self(BTreeMap::from([(String::new(), root)]))
    }

    /// The namespace that a header and a path name together, and the rest of the path.
    pub(crate) fn resolve(&self, header: &str, path: &str) -> Option<(String, String)> {
        let mut namespace = if header.is_empty() { String::new() } else { format!("{header}/") };
        if !self.0.contains_key(&namespace) {
            return None;
        }
        let mut rest = path;
        while let Some((segment, after)) = rest.split_once('/') {
            let deeper = format!("{namespace}{segment}/");
            if !self.0.contains_key(&deeper) {
                break;
            }
            namespace = deeper;
            rest = after;
        }
        Some((namespace, rest.to_owned()))
    }

    /// Adds a namespace, and those above it that are missing. `path` without slashes at its ends.
    pub(crate) fn add(&mut self, path: &str) {
        let mut whole = String::new();
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            whole = format!("{whole}{segment}/");
            self.0.entry(whole.clone()).or_insert_with(|| Namespace::new(false));
        }
    }

    /// A namespace by its path; an empty one when it is not there.
    pub(crate) fn at(&mut self, path: String) -> &mut Namespace {
        self.0.entry(path).or_insert_with(|| Namespace::new(false))
    }

    /// Removes a namespace. False when others are inside of it.
    pub(crate) fn remove(&mut self, path: &str) -> bool {
        let occupied = self.0.keys().any(|other| other.len() > path.len() && other.starts_with(path));
        if !occupied {
            self.0.remove(path);
        }
        !occupied
    }
}

impl Namespace {
    fn new(root: bool) -> Self {
        Self {
            id: ids::base62(6),
            uuid: ids::uuid(),
            mounts: Mount::standard(root),
            // The text is ours; a test reads it.
            policies: Policy::parse(DEFAULT)
                .map(|policy| ("default".to_owned(), policy))
                .into_iter()
                .collect(),
        }
    }

    /// The mount that a path is under, with its own path.
    pub(crate) fn mount(&self, path: &str) -> Option<(&str, &Mount)> {
        let under = |mount: &str| path.starts_with(mount) || path == mount.trim_end_matches('/');
        self.mounts
            .iter()
            .filter(|(mount, _)| under(mount))
            .max_by_key(|(mount, _)| mount.len())
            .map(|(mount, what)| (mount.as_str(), what))
    }

    pub(crate) fn describe(&self, path: &str) -> Json {
        Json::object([
            ("custom_metadata", Json::object([])),
            ("id", Json::from(self.id.as_str())),
            ("locked", Json::from(false)),
            ("path", Json::from(path)),
            ("tainted", Json::from(false)),
            ("uuid", Json::from(self.uuid.as_str())),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_and_paths_name_a_namespace_together() {
        let mut namespaces = Namespaces::new();
        namespaces.add("ns1/child");
        assert!(namespaces.0[""].policies.contains_key("default"));
        for (header, path, expected) in [
            ("", "secret/data/x", Some(("", "secret/data/x"))),
            ("ns1", "secret/data/x", Some(("ns1/", "secret/data/x"))),
            ("", "ns1/secret/data/x", Some(("ns1/", "secret/data/x"))),
            ("ns1", "child/secret/x", Some(("ns1/child/", "secret/x"))),
            ("", "ns1/child/secret/x", Some(("ns1/child/", "secret/x"))),
            ("ns1/child", "secret/x", Some(("ns1/child/", "secret/x"))),
            ("nope", "secret/x", None),
        ] {
            let found = namespaces.resolve(header, path);
            let found = found.as_ref().map(|(namespace, rest)| (namespace.as_str(), rest.as_str()));
            assert_eq!(found, expected, "{header:?} {path}");
        }
        assert!(!namespaces.remove("ns1/"));
        assert!(namespaces.remove("ns1/child/") && namespaces.remove("ns1/"));
    }
}
