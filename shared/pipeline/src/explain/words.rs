//! What registry and ledger know, in the few words that tables have room for. The command line and the console say the same.

use pawl_domain::cluster::Connection;
use pawl_domain::record::{MovedKey, State, Written};
use pawl_domain::{Cluster, Query, Read, Record};

/// What is said of a document that cannot be read, where its content would stand.
pub const UNREADABLE: &str = "unreadable";

/// In a word how a declaration fares.
pub fn state(record: Option<&Record>) -> String {
    match record.map(|record| &record.state) {
        None | Some(State::Pending) => "pending".to_owned(),
        Some(State::Settled(outcome)) => outcome.to_string(),
        Some(State::Failed(failure)) => format!("failed ({})", failure.code()),
    }
}

/// What the last failure says; `None` where the last attempt did not fail.
pub fn complaint(record: Option<&Record>) -> Option<String> {
    match record.map(|record| &record.state) {
        Some(State::Failed(failure)) => Some(failure.message.clone()),
        None | Some(State::Pending | State::Settled(_)) => None,
    }
}

/// A key as it is declared, or what is searched for.
pub fn key(read: &Read) -> String {
    match &read.query {
        Query::Key(remote) => remote.key.clone(),
        Query::Find(find) => {
            let tags = find.tags.iter().map(|(key, value)| format!("{key}={value}"));
            let criteria = find.path.iter().chain(&find.name).cloned().chain(tags);
            format!("find {}", criteria.collect::<Vec<_>>().join(" "))
        }
        Query::Generate => format!("made by {} {}", read.store.kind(), read.store.name),
    }
}

/// Where a read stands in the manifest, and what of the key it reads.
pub fn part(read: &Read) -> String {
    let remote = match &read.query {
        Query::Key(remote) => remote,
        Query::Find(_) => return format!("{} (finds it)", read.path),
        Query::Generate => return format!("{} (makes it)", read.path),
    };
    let property = remote.property.as_deref().map(|property| format!("property {property}"));
    let version = remote.version.as_deref().map(|version| format!("version {version}"));
    let metadata = remote.metadata.then(|| "metadata".to_owned());
    let parts: Vec<_> = [property, version, metadata].into_iter().flatten().collect();
    if parts.is_empty() { read.path.clone() } else { format!("{} ({})", read.path, parts.join(", ")) }
}

/// Which keys moved with a write, and to which versions.
pub fn moved(written: &Written) -> String {
    let key = |MovedKey { key, version }: &MovedKey| match version {
        Some(version) => format!("{key} to {version}"),
        None => format!("{key} gone"),
    };
    let more = (written.more > 0).then(|| format!("{} more", written.more));
    written.keys.iter().map(key).chain(more).collect::<Vec<_>>().join(", ")
}

/// How a cluster is reached.
pub fn connection(cluster: &Cluster) -> String {
    match &cluster.connection {
        Connection::Eks { name, region, .. } => format!("EKS cluster {name} in {region}"),
        Connection::Kubeconfig { path, .. } => format!("kubeconfig {path}"),
        Connection::Url { url, .. } => url.clone(),
    }
}

/// A time as people say it: `12s`, `4m 5s`, `3h 0m`, `2d 4h`.
pub fn seconds(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h {}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds / 3600 % 24),
    }
}
