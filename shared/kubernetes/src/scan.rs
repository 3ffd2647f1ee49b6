//! The declarations and stores that live in a cluster.

use crate::call::{Call, Verb};
use crate::connect::Link;
use crate::eso::EsoKind;
use crate::list::{self, Listed};
use crate::store_status;
use pawl_domain::{GeneratorKind, Home, Kind, Manifests, Problem, Severity, Step};
use pawl_manifests::{ParseOptions, from_object};
use pawl_ports::{ClusterIdentity, Error};
use serde_json::Value;
use std::collections::BTreeSet;

/// Reads every ExternalSecret, SecretStore and ClusterSecretStore, PushSecrets where they are carried out, and generators of
/// each kind that one of these names: most clusters use none, so that their eleven kinds cost no call.
///
/// A kind that the cluster does not serve is a warning; a kind that it does not let us list is an error, for "none" and
/// "not allowed to see any" must not look alike. Of generators both are warnings, so that they keep nothing else out.
pub(crate) async fn manifests<I: ClusterIdentity>(
    link: &Link<I>,
    class: &str,
    pushes: bool,
) -> Result<Manifests, Error> {
    let mut found = all(link, class, EsoKind::read(pushes)).await?;
    // Named by what was just listed, or once before.
    let generators = link.generators().into_iter().filter(|kind| kind.is_served());
    found.add(all(link, class, generators.map(EsoKind::Generator)).await?);
    Ok(found)
}

/// Reads every SecretStore and ClusterSecretStore, in the same way.
pub(crate) async fn stores<I: ClusterIdentity>(link: &Link<I>, class: &str) -> Result<Manifests, Error> {
    all(link, class, EsoKind::STORES.into_iter()).await
}

async fn all<I: ClusterIdentity>(
    link: &Link<I>,
    class: &str,
    kinds: impl Iterator<Item = EsoKind>,
) -> Result<Manifests, Error> {
    let place = format!("cluster {}", link.name());
    let mut options = ParseOptions::new(Home::Cluster(link.name().clone()));
    class.clone_into(&mut options.class);
    let mut found = Manifests::default();
    for kind in kinds {
        let problem = match read(link, kind, &place, &options).await {
            Ok(Some(objects)) => {
                objects.into_iter().for_each(|one| found.add(one));
                continue;
            }
            Ok(None) => not_served(kind, &place),
            Err(error) if kind.is_generator() && error.kind == Kind::Denied => not_listed(kind, &place),
            Err(error) => return Err(error),
        };
        found.problems.push(problem);
    }
    Ok(found)
}

async fn read<I: ClusterIdentity>(
    link: &Link<I>,
    kind: EsoKind,
    place: &str,
    options: &ParseOptions,
) -> Result<Option<Vec<Manifests>>, Error> {
    for version in kind.versions(link.served()) {
        if let Some(objects) = read_version(link, kind, version, place, options).await? {
            if !kind.has_own_version() {
                link.set_served(version);
            }
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
                fields.entry("apiVersion").or_insert_with(|| kind.api_version(version).into());
                fields.entry("kind").or_insert_with(|| resource.kind.into());
            }
            link.name_generators(generators_named(&object));
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
    // Generators have no status.
    let stores = found.stores.iter().filter(|store| store.id.generator.is_none());
    found.standing = stores.map(|store| (store.id.clone(), standing.clone())).collect();
    found
}

/// The kinds of generators that an object names, also where it cannot be used: what it was before is still carried out.
pub(crate) fn generators_named(object: &Value) -> BTreeSet<GeneratorKind> {
    let spec = &object["spec"];
    let reads = ["data", "dataFrom"].into_iter().filter_map(|list| spec[list].as_array()).flatten();
    let sources = reads.map(|read| &read["sourceRef"]).chain([&spec["selector"]]);
    let kinds = sources.filter_map(|source| source["generatorRef"]["kind"].as_str());
    kinds.filter_map(GeneratorKind::named).collect()
}

fn not_served(kind: EsoKind, place: &str) -> Problem {
    let name = kind.resource(0).kind;
    Problem {
        severity: Severity::Warning,
        place: place.to_owned(),
        object: format!("kind {name}"),
        field: String::new(),
        message: match kind {
            EsoKind::Generator(_) => {
                "is not served, though something names one; install ESO's CRDs of generators"
            }
            _ => "is not served; install ESO's CRDs if ExternalSecrets shall live in this cluster",
        }
        .to_owned(),
    }
}

fn not_listed(kind: EsoKind, place: &str) -> Problem {
    let name = kind.resource(0).kind;
    Problem {
        severity: Severity::Warning,
        place: place.to_owned(),
        object: format!("kind {name}"),
        field: String::new(),
        message: "may not be listed, so what ExternalSecrets have made by it fails; grant it as pawl rbac --profile index says"
            .to_owned(),
    }
}
