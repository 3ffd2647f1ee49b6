//! The declarations and stores that live in a cluster.

use crate::call::{Call, Verb};
use crate::connect::Link;
use crate::eso::{EsoKind, VERSIONS, api_version};
use crate::list::{self, Listed};
use crate::store_status;
use pawl_domain::{Home, Manifests, Problem, Severity, Step};
use pawl_manifests::{ParseOptions, from_object};
use pawl_ports::{ClusterIdentity, Error};
use serde_json::Value;

/// Reads every ExternalSecret, SecretStore and ClusterSecretStore.
///
/// A kind that the cluster does not serve is a warning; a kind that it does not let us list is an error, for "none" and
/// "not allowed to see any" must not look alike.
pub(crate) async fn manifests<I: ClusterIdentity>(link: &Link<I>, class: &str) -> Result<Manifests, Error> {
    all(link, class, &EsoKind::DECLARED).await
}

/// Reads every SecretStore and ClusterSecretStore, in the same way.
pub(crate) async fn stores<I: ClusterIdentity>(link: &Link<I>, class: &str) -> Result<Manifests, Error> {
    all(link, class, &[EsoKind::SecretStore, EsoKind::ClusterSecretStore]).await
}

async fn all<I: ClusterIdentity>(link: &Link<I>, class: &str, kinds: &[EsoKind]) -> Result<Manifests, Error> {
    let place = format!("cluster {}", link.name());
    let mut options = ParseOptions::new(Home::Cluster(link.name().clone()));
    class.clone_into(&mut options.class);
    let mut found = Manifests::default();
    for kind in kinds.iter().copied() {
        match read(link, kind, &place, &options).await? {
            Some(objects) => objects.into_iter().for_each(|one| merge(&mut found, one)),
            None => {
                found.unserved.insert(kind.resource(0).kind.to_owned());
                found.problems.push(not_served(kind, &place));
            }
        }
    }
    Ok(found)
}

async fn read<I: ClusterIdentity>(
    link: &Link<I>,
    kind: EsoKind,
    place: &str,
    options: &ParseOptions,
) -> Result<Option<Vec<Manifests>>, Error> {
    let first = link.served();
    for version in (0..VERSIONS).map(|offset| (first + offset) % VERSIONS) {
        if let Some(objects) = read_version(link, kind, version, place, options).await? {
            link.set_served(version);
            return Ok(Some(objects));
        }
    }
    Ok(None)
}

async fn read_version<I: ClusterIdentity>(
    link: &Link<I>,
    kind: EsoKind,
    version: usize,
    place: &str,
    options: &ParseOptions,
) -> Result<Option<Vec<Manifests>>, Error> {
    let resource = kind.resource(version);
    let mut found = Vec::new();
    for namespace in kind.collections(link) {
        let call = || Call::new(Step::Lookup, Verb::List, &resource).within(namespace);
        let of = |mut object: Value| {
            // Items of a list may leave out what the list says already.
            if let Some(fields) = object.as_object_mut() {
                fields.entry("apiVersion").or_insert_with(|| api_version(version).into());
                fields.entry("kind").or_insert_with(|| resource.kind.into());
            }
            of_object(object, place, options)
        };
        match list::served(link, call, of).await? {
            Listed::All(objects, _) => found.extend(objects),
            Listed::NotServed(_) => return Ok(None),
        }
    }
    Ok(Some(found))
}

/// What one object of the cluster declares. Of a store that can be used also how its status stands.
pub(crate) fn of_object(object: Value, place: &str, options: &ParseOptions) -> Manifests {
    let standing = store_status::standing(&object);
    let mut found = from_object(object, place, options);
    found.standing = found.stores.iter().map(|store| (store.id.clone(), standing.clone())).collect();
    found
}

fn merge(into: &mut Manifests, one: Manifests) {
    into.declarations.extend(one.declarations);
    into.patterns.extend(one.patterns);
    into.stores.extend(one.stores);
    into.clusters.extend(one.clusters);
    into.problems.extend(one.problems);
    into.unserved.extend(one.unserved);
    into.standing.extend(one.standing);
}

fn not_served(kind: EsoKind, place: &str) -> Problem {
    let name = kind.resource(0).kind;
    Problem {
        severity: Severity::Warning,
        place: place.to_owned(),
        object: format!("kind {name}"),
        field: String::new(),
        message: "is not served; install ESO's CRDs if ExternalSecrets shall live in this cluster".to_owned(),
    }
}
