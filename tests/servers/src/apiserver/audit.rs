use serde::Deserialize;
use std::{fs, path::Path};

/// One request as the server saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiRequest {
    /// Kubernetes' verb: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`.
    pub verb: String,
    /// The plural of the kind, such as `secrets`; empty for paths that are no resource.
    pub resource: String,
    /// The namespace, empty for cluster-wide requests.
    pub namespace: String,
    /// The object's name, empty for collections and for some creations.
    pub name: String,
    /// The HTTP status of the answer.
    pub status: u16,
}

/// Lines that are being written are left for the next look.
pub(super) fn read(log: &Path, user: &str) -> Vec<ApiRequest> {
    let text = fs::read_to_string(log).unwrap_or_default();
    let entries = text.lines().filter_map(|line| serde_json::from_str::<Entry>(line).ok());
    entries.filter(|entry| entry.user.username == user).map(Entry::request).collect()
}

/// The part of an `audit.k8s.io/v1` Event that is asked for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    verb: String,
    user: User,
    #[serde(default)]
    object_ref: Object,
    #[serde(default)]
    response_status: Status,
}

#[derive(Deserialize)]
struct User {
    username: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Object {
    resource: String,
    namespace: String,
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    code: u16,
}

impl Entry {
    fn request(self) -> ApiRequest {
        let Self { verb, object_ref, response_status, .. } = self;
        ApiRequest {
            verb,
            resource: object_ref.resource,
            namespace: object_ref.namespace,
            name: object_ref.name,
            status: response_status.code,
        }
    }
}
