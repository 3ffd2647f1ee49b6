//! Manifests to declarations, stores and clusters.
//!
//! The kinds are ESO's ExternalSecret, ClusterExternalSecret, SecretStore and ClusterSecretStore (`external-secrets.io/v1` and `v1beta1`, which
//! lacks some fields), PushSecret (`v1alpha1`), its generators (`generators.external-secrets.io/v1alpha1`), and Pawl's own Cluster and StorePolicy (`pawl.dev/v1alpha1`; every field of them stands in
//! `infra/kubernetes/cluster.example.yaml` and `docs/store-policy.md`). Defaults that an API server would fill in are filled in here as well, and
//! what ESO's schema or webhook refuses is refused. Each object is read alone: one that cannot be used is a [`Problem`]
//! and hides nothing else.
//!
//! `documents` cuts text into objects, and `reader` takes an object's fields and notes what is wrong with them. Then there is
//! one file per kind, with a folder for the larger parts of an ExternalSecret, and in `provider` one per provider's spec.
//! `compile` sees to it that patterns and templates are such, and [`lint`] says what can be read and will fail all the same.
//!
//! Pure: nothing is asked of anybody, and whoever only looks at manifests needs no client for it.

pub mod convert;
pub mod lint;

mod address;
mod certificate;
mod cluster;
mod compile;
mod documents;
mod external_secret;
mod generator;
mod metadata;
mod objects;
mod policy;
mod provider;
mod push_secret;
mod reader;
mod references;
mod selector;
mod spread;
mod store;

pub use objects::{Held, held};
pub use spread::parent;

use external_secret::Version;
use pawl_domain::spread::{Pattern, PatternId};
use pawl_domain::{
    Cluster, ClusterName, DeclarationId, GeneratorKind, Home, Manifests, Namespace, Problem, Severity,
    StoreId,
};
use reader::{Fields, Notes};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What must be known to read manifests.
#[derive(Clone, Debug)]
pub struct ParseOptions {
    /// Where the manifests were found.
    pub home: Home,
    /// The clusters that are known already; those in the same text are known as well.
    pub clusters: Vec<Cluster>,
    /// The clusters of ExternalSecrets that name none. When this is empty too and exactly one cluster is known, that one.
    pub default_clusters: Vec<ClusterName>,
    /// The namespace of objects that name none; without it they are refused.
    pub default_namespace: Option<Namespace>,
    /// Takes every cluster that an ExternalSecret names for known, and a cluster `any` for the one of those that name
    /// none. Only for looking at manifests where no cluster is at hand: what was read so must not be applied.
    pub any_cluster: bool,
    /// The class whose stores are used: those that name it in `spec.controller`, and those that name none.
    pub class: String,
}

impl ParseOptions {
    /// Manifests of this home, with no clusters known, no default namespace, and ESO's own class `default`.
    pub fn new(home: Home) -> Self {
        Self {
            home,
            clusters: Vec::new(),
            default_clusters: Vec::new(),
            default_namespace: None,
            any_cluster: false,
            class: "default".to_owned(),
        }
    }
}

/// Reads all manifests of a YAML or JSON text. `place` is what the text is called in problems, such as a file's path;
/// the line of the document is appended to it.
///
/// Kinds that Pawl does not know are passed over: manifests of other things may stand beside.
pub fn parse(text: &str, place: &str, options: &ParseOptions) -> Manifests {
    let mut reading = Reading::default();
    let mut objects = Vec::new();
    for (order, document) in documents::documents(text).into_iter().enumerate() {
        let place = Place { order, text: format!("{place}:{}", document.line) };
        match document.content {
            Ok(value) => flatten(value, &place, &mut objects),
            Err(message) => {
                let message = format!("is not valid YAML: {message}");
                reading.note(&place, Problem::UNNAMED.to_owned(), Severity::Error, "", message);
            }
        }
    }
    reading.read(&objects, options);
    reading.into_manifests()
}

/// Reads one object, as an API server gave it. `place` is what it is called in problems.
pub fn from_object(object: Value, place: &str, options: &ParseOptions) -> Manifests {
    let mut reading = Reading::default();
    let mut objects = Vec::new();
    flatten(object, &Place { order: 0, text: place.to_owned() }, &mut objects);
    reading.read(&objects, options);
    reading.into_manifests()
}

/// Where something was found, and in which order.
#[derive(Clone)]
struct Place {
    order: usize,
    text: String,
}

/// An object and where it was found.
struct Found {
    place: Place,
    value: Value,
}

/// Lists are taken apart, also lists in lists.
fn flatten(mut value: Value, place: &Place, into: &mut Vec<Found>) {
    let is_list = value.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
    match value.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) if is_list => items.into_iter().for_each(|item| flatten(item, place, into)),
        taken => {
            if let (Some(items), Some(object)) = (taken, value.as_object_mut()) {
                object.insert("items".to_owned(), items);
            }
            into.push(Found { place: place.clone(), value });
        }
    }
}

/// The kinds that are read here.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Cluster,
    ExternalSecret(Version),
    PushSecret,
    SecretStore,
    ClusterSecretStore,
    Generator(GeneratorKind),
    ClusterExternalSecret(Version),
    StorePolicy,
}

/// What has been read so far.
#[derive(Default)]
struct Reading {
    out: Manifests,
    /// With the order of the documents, in which people look for them.
    problems: Vec<(usize, Problem)>,
    declarations: BTreeSet<DeclarationId>,
    pushes: BTreeSet<DeclarationId>,
    patterns: BTreeSet<PatternId>,
    stores: BTreeSet<StoreId>,
}

impl Reading {
    fn into_manifests(mut self) -> Manifests {
        self.problems.sort_by_key(|(order, _)| *order);
        self.out.problems = self.problems.into_iter().map(|(_, problem)| problem).collect();
        self.out
    }

    /// Clusters first, wherever they stand: declarations refer to them.
    fn read(&mut self, objects: &[Found], options: &ParseOptions) {
        let kinds: Vec<Option<Kind>> = objects.iter().map(|found| self.kind(found, options)).collect();
        let of_kind = |wanted: fn(Kind) -> bool| {
            objects
                .iter()
                .zip(&kinds)
                .filter_map(move |(found, kind)| Some((found, kind.filter(|k| wanted(*k))?)))
        };
        for (found, _) in of_kind(|kind| kind == Kind::Cluster) {
            self.object(found, &options.home, |root, this| this.cluster(root, options));
        }
        // What stands in this text is newer than what is known of a cluster of the same name.
        let known = options.clusters.iter().chain(&self.out.clusters).cloned();
        let known: BTreeMap<ClusterName, Cluster> = known.map(|each| (each.name.clone(), each)).collect();
        let known: Vec<Cluster> = known.into_values().collect();
        for (found, kind) in of_kind(|kind| kind != Kind::Cluster) {
            if let Kind::ClusterExternalSecret(version) = kind {
                self.spread(found, version, options, &known);
                continue;
            }
            self.object(found, &options.home, |root, this| match kind {
                Kind::ExternalSecret(version) => this.external_secret(root, version, options, &known),
                Kind::PushSecret => this.push_secret(root, options, &known),
                Kind::StorePolicy => this.policy(root, options),
                Kind::Generator(kind) => this.generator(root, options, kind),
                _ => this.store(root, options, kind == Kind::ClusterSecretStore),
            });
        }
    }

    fn object(&mut self, found: &Found, home: &Home, read: impl FnOnce(Fields<'_>, &mut Self)) {
        let notes = Notes::of(home);
        if let Some(root) = Fields::of(&found.value, "", &notes) {
            read(root, self);
        }
        let problems = notes.into_problems(&found.place.text, &title(&found.value));
        self.problems.extend(problems.into_iter().map(|problem| (found.place.order, problem)));
    }

    fn note(&mut self, place: &Place, object: String, severity: Severity, field: &str, message: String) {
        let problem =
            Problem { severity, place: place.text.clone(), object, field: field.to_owned(), message };
        self.problems.push((place.order, problem));
    }

    fn cluster(&mut self, root: Fields<'_>, options: &ParseOptions) {
        let notes = root.notes();
        let Some(cluster) = cluster::read(root, &options.home) else { return };
        if self.out.clusters.iter().any(|other| other.name == cluster.name) {
            return notes.error("metadata.name", "another Cluster has this name; remove one of them");
        }
        if !notes.is_refused() {
            self.out.clusters.push(cluster);
        }
    }

    /// A policy is the operator's word: where tenants may write, nobody can tell who wrote it.
    fn policy(&mut self, root: Fields<'_>, options: &ParseOptions) {
        let notes = root.notes();
        if options.home != Home::Applied {
            return notes.error("", "is taken from the operator only, so it is ignored here; use pawl apply");
        }
        let Some(policy) = policy::read(root).filter(|_| !notes.is_refused()) else { return };
        if self.out.policies.iter().any(|other| other.name == policy.name) {
            return notes.error("metadata.name", "another StorePolicy has this name; remove one of them");
        }
        self.out.policies.push(policy);
    }

    fn store(&mut self, root: Fields<'_>, options: &ParseOptions, cluster_wide: bool) {
        let notes = root.notes();
        let Some(store) = store::read(root, options, cluster_wide).filter(|_| !notes.is_refused()) else {
            return;
        };
        if !self.stores.insert(store.id.clone()) {
            return notes.error("metadata.name", "this store is declared twice; remove one of the manifests");
        }
        self.out.stores.push(store);
    }

    fn generator(&mut self, root: Fields<'_>, options: &ParseOptions, kind: GeneratorKind) {
        let notes = root.notes();
        let Some(store) = generator::read(root, options, kind).filter(|_| !notes.is_refused()) else {
            return;
        };
        if !self.stores.insert(store.id.clone()) {
            let message = "this generator is declared twice; remove one of the manifests";
            return notes.error("metadata.name", message);
        }
        self.out.stores.push(store);
    }

    fn external_secret(
        &mut self,
        root: Fields<'_>,
        version: Version,
        options: &ParseOptions,
        known: &[Cluster],
    ) {
        let notes = root.notes();
        let declarations = external_secret::read(root, version, options, known);
        if notes.is_refused() {
            return;
        }
        for declaration in declarations {
            if self.declarations.insert(declaration.id.clone()) {
                self.out.declarations.push(declaration);
            } else {
                let message = format!(
                    "is declared twice for cluster {}; remove one of the manifests",
                    declaration.id.cluster
                );
                notes.partial("metadata.name", message);
            }
        }
    }

    fn push_secret(&mut self, root: Fields<'_>, options: &ParseOptions, known: &[Cluster]) {
        let notes = root.notes();
        let pushes = push_secret::read(root, options, known);
        if notes.is_refused() {
            return;
        }
        for push in pushes {
            if self.pushes.insert(push.id.clone()) {
                self.out.pushes.push(push);
            } else {
                let cluster = &push.id.cluster;
                let message = format!("is declared twice for cluster {cluster}; remove one of the manifests");
                notes.partial("metadata.name", message);
            }
        }
    }

    /// What is declared in each namespace is read as the ExternalSecret that it is.
    fn spread(&mut self, found: &Found, version: Version, options: &ParseOptions, known: &[Cluster]) {
        let title = title(&found.value);
        let notes = Notes::of(&options.home);
        let applied =
            Fields::of(&found.value, "", &notes).and_then(|root| spread::applied(root, &found.value));
        let mut problems = Vec::new();
        if let Some(applied) = applied {
            let of_child = Notes::of(&options.home);
            let declarations = Fields::of(&applied.child, "", &of_child)
                .map(|root| external_secret::read(root, version, options, known))
                .unwrap_or_default();
            if !notes.is_refused() && !of_child.is_refused() {
                for declaration in declarations {
                    let (name, selection) = (applied.name.clone(), applied.selection.clone());
                    let pattern = Pattern { name, selection, declaration, placed: BTreeSet::new() };
                    if self.patterns.insert(pattern.id()) {
                        self.out.patterns.push(pattern);
                    } else {
                        let cluster = &pattern.declaration.id.cluster;
                        let message =
                            format!("is declared twice for cluster {cluster}; remove one of the manifests");
                        notes.partial("metadata.name", message);
                    }
                }
            }
            problems = of_child.into_problems(&found.place.text, &title);
            problems.iter_mut().for_each(|problem| problem.field = spread::field_of(&problem.field));
        }
        problems.extend(notes.into_problems(&found.place.text, &title));
        self.problems.extend(problems.into_iter().map(|problem| (found.place.order, problem)));
    }

    /// The kind of an object, if it is one that is read here; the near misses are noted.
    fn kind(&mut self, found: &Found, options: &ParseOptions) -> Option<Kind> {
        let text = |field| found.value.get(field).and_then(Value::as_str);
        let mut note = |severity, field: &str, message: String| {
            self.note(&found.place, title(&found.value), severity, field, message);
        };
        let (Some(api_version), Some(kind)) = (text("apiVersion"), text("kind")) else {
            note(Severity::Warning, "", "has no apiVersion and kind, so it is passed over".to_owned());
            return None;
        };
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let of_eso = if version == "v1beta1" { Version::V1Beta1 } else { Version::V1 };
        let (kind, versions) = match (group, kind) {
            ("pawl.dev", "Cluster") => (Kind::Cluster, &["v1alpha1"][..]),
            ("pawl.dev", "StorePolicy") => (Kind::StorePolicy, &["v1alpha1"][..]),
            ("external-secrets.io", "ExternalSecret") => (Kind::ExternalSecret(of_eso), &ESO[..]),
            ("external-secrets.io", "PushSecret") => (Kind::PushSecret, &["v1alpha1"][..]),
            ("external-secrets.io", "SecretStore") => (Kind::SecretStore, &ESO[..]),
            ("external-secrets.io", "ClusterSecretStore") => (Kind::ClusterSecretStore, &ESO[..]),
            ("external-secrets.io", "ClusterExternalSecret") if options.home == Home::Applied => {
                (Kind::ClusterExternalSecret(of_eso), &ESO[..])
            }
            (GENERATORS, name)
                if let Some(kind) = GeneratorKind::named(name).filter(|kind| kind.is_served()) =>
            {
                (Kind::Generator(kind), &["v1alpha1"][..])
            }
            ("pawl.dev" | "external-secrets.io" | GENERATORS, _) => {
                let message =
                    format!("{} is not supported yet, so it is passed over", reader::shortened(kind));
                note(Severity::Warning, "kind", message);
                return None;
            }
            _ => return None,
        };
        if !versions.contains(&version) {
            let version = reader::shortened(version);
            let message = format!("version {version:?} is not known; write {group}/{}", versions[0]);
            note(Severity::Error, "apiVersion", message);
            return None;
        }
        Some(kind)
    }
}

/// The group of generators.
const GENERATORS: &str = "generators.external-secrets.io";

/// The versions of ESO's kinds, the one to write first.
const ESO: [&str; 2] = ["v1", "v1beta1"];

/// `ExternalSecret shop/db`: what an object is called in problems, however malformed it is.
fn title(object: &Value) -> String {
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str).map(reader::shortened);
    let kind = text("/kind").unwrap_or_else(|| "object".to_owned());
    match (text("/metadata/namespace"), text("/metadata/name").or_else(|| text("/metadata/generateName"))) {
        (Some(namespace), Some(name)) => format!("{kind} {namespace}/{name}"),
        (None, Some(name)) => format!("{kind} {name}"),
        (_, None) => format!("{kind} without a name"),
    }
}
