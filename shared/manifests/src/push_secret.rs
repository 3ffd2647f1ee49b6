//! PushSecret, one for each cluster that it goes to.
//!
//! Source of fields, defaults and rules: ESO's CRD `external-secrets.io/v1alpha1`, version 2.9, and what its controller
//! refuses when it runs.

use crate::external_secret::{Version, interval, placement, rewrite, template};
use crate::reader::{Fields, shortened};
use crate::{ParseOptions, compile, metadata, selector};
use pawl_domain::hash::synced_resource_version;
use pawl_domain::push::{
    ByNameOrLabels, PushData, PushDataTo, PushDeletion, PushSource, PushUpdate, StoreChoice,
};
use pawl_domain::{Cluster, DeclarationId, Home, ObjectName, PushSecret, RemoteEntry};
use serde_json::Value;

/// The PushSecrets that a manifest declares. Whether they may be used, the notes tell.
pub(super) fn read(root: Fields<'_>, options: &ParseOptions, known: &[Cluster]) -> Vec<PushSecret> {
    let notes = root.notes();
    let Some((metadata, mut spec)) = metadata::read::<ObjectName>(root) else { return Vec::new() };
    let Some(namespace) = metadata.namespace(options, notes) else { return Vec::new() };
    let in_cluster = matches!(options.home, Home::Cluster(_));
    let interval = interval(&mut spec);
    let stores = stores(&mut spec);
    let update = spec.choice("updatePolicy", &UPDATES).unwrap_or_default();
    let deletion = spec.choice("deletionPolicy", &DELETIONS).unwrap_or_default();
    let source = source(&mut spec);
    let data: Vec<PushData> = spec.objects("data").into_iter().filter_map(data).collect();
    let data_to: Vec<PushDataTo> =
        spec.objects("dataTo").into_iter().filter_map(|fields| data_to(fields, &stores)).collect();
    if !spec.has("data") && !spec.has("dataTo") {
        spec.notes().warning(spec.path_of("data"), "is empty, and dataTo too, so nothing is pushed");
    }
    let template = spec.object("template").map(|fields| template::read(fields, true, Version::V1));
    spec.close();
    let generation = metadata.generation.filter(|_| in_cluster);
    let synced =
        generation.map(|edit| synced_resource_version(edit, &metadata.annotations, &metadata.labels));
    let clusters = placement::clusters(&metadata.annotations, options, known, notes);
    let Some(source) = source else { return Vec::new() };
    let push = |cluster| PushSecret {
        id: DeclarationId { cluster, namespace: namespace.clone(), name: metadata.name.clone() },
        home: options.home.clone(),
        uid: metadata.uid.clone().filter(|_| in_cluster),
        stores: stores.clone(),
        source: source.clone(),
        data: data.clone(),
        data_to: data_to.clone(),
        template: template.clone(),
        update,
        deletion,
        interval,
        synced: synced.clone(),
        deleting: metadata.deleting && in_cluster,
        set: None,
    };
    let pushes: Vec<PushSecret> = clusters.into_iter().map(push).collect();
    if let Some(any) = pushes.first().filter(|_| !notes.is_refused()) {
        compile::push_recipe(any, notes);
    }
    pushes
}

const UPDATES: [(&str, PushUpdate); 2] =
    [("Replace", PushUpdate::Replace), ("IfNotExists", PushUpdate::IfNotExists)];
const DELETIONS: [(&str, PushDeletion); 2] = [("Delete", PushDeletion::Delete), ("None", PushDeletion::None)];
const CONVERSIONS: [(&str, bool); 2] = [("None", false), ("ReverseUnicode", true)];

fn stores(spec: &mut Fields<'_>) -> Vec<StoreChoice> {
    if !spec.has("secretStoreRefs") {
        spec.error("secretStoreRefs", "is missing; write the stores to push to");
    }
    let refs = spec.objects("secretStoreRefs");
    if refs.is_empty() {
        spec.hopeless("secretStoreRefs", "is empty, so nothing is pushed; write the stores to push to");
    }
    // Where both are there, the labels count in ESO.
    refs.into_iter().filter_map(|fields| choice(fields, true)).collect()
}

/// A store by name, or stores by label. Where both are there, ESO takes one of them, another one in each place.
fn choice(mut fields: Fields<'_>, labels_first: bool) -> Option<StoreChoice> {
    let name = fields.name::<ObjectName>("name").map(ByNameOrLabels::Name);
    let labels = fields.object("labelSelector").map(selector::read).map(ByNameOrLabels::Labels);
    let kinds = [("SecretStore", false), ("ClusterSecretStore", true)];
    let cluster_wide = fields.choice("kind", &kinds).unwrap_or_default();
    if name.is_some() && labels.is_some() {
        let (taken, other) = if labels_first { ("labelSelector", "name") } else { ("name", "labelSelector") };
        fields
            .notes()
            .warning(fields.path_of(other), format!("has no effect beside {taken}; remove one of them"));
    }
    let by = if labels_first { labels.or(name) } else { name.or(labels) };
    if by.is_none() {
        fields.hopeless("name", "is missing; write the store's name, or labelSelector");
    }
    fields.close();
    Some(StoreChoice { cluster_wide, by: by? })
}

/// `selector`. Here a generator will plug in: it becomes one more [`PushSource`].
fn source(spec: &mut Fields<'_>) -> Option<PushSource> {
    let mut fields = spec.present("selector", "is missing; write selector.secret.name")?;
    let one = fields.exactly_one(&["secret", "generatorRef"]);
    if fields.has("generatorRef") {
        fields.error("generatorRef", "is not supported yet; leave this PushSecret to ESO");
    }
    let secret = fields.object("secret");
    fields.close();
    let mut secret = secret.filter(|_| one == Some("secret"))?;
    let name = secret.name::<ObjectName>("name").map(ByNameOrLabels::Name);
    let labels = secret.object("selector").map(selector::read).map(ByNameOrLabels::Labels);
    if name.is_none() && labels.is_none() {
        secret.hopeless("name", "is missing; write the Secret's name, or selector");
    }
    secret.close();
    name.or(labels).map(PushSource::Secret)
}

fn data(mut fields: Fields<'_>) -> Option<PushData> {
    let matched = fields.present("match", "is missing; write secretKey and remoteRef.remoteKey");
    let metadata = fields.value("metadata").cloned();
    let reverses_unicode = fields.choice("conversionStrategy", &CONVERSIONS).unwrap_or_default();
    fields.close();
    let mut matched = matched?;
    let secret_key = matched.filled("secretKey").map(str::to_owned);
    let remote = matched.present("remoteRef", "is missing; write remoteRef.remoteKey");
    matched.close();
    let mut remote = remote?;
    let key = remote.given("remoteKey", "the key in the store").map(str::to_owned);
    let property = remote.filled("property").map(str::to_owned);
    remote.close();
    Some(PushData { secret_key, to: RemoteEntry { key: key?, property }, metadata, reverses_unicode })
}

fn data_to(mut fields: Fields<'_>, stores: &[StoreChoice]) -> Option<PushDataTo> {
    let store = fields
        .present("storeRef", "is missing; write the name or labelSelector of a store")
        .and_then(|fields| choice(fields, false));
    if let Some(StoreChoice { by: ByNameOrLabels::Name(name), cluster_wide }) = &store
        && !stores
            .iter()
            .any(|own| own.cluster_wide == *cluster_wide && own.by == ByNameOrLabels::Name(name.clone()))
    {
        let name = shortened(name.as_str());
        fields.hopeless("storeRef", format!("{name:?} is not found in secretStoreRefs; write it there, too"));
    }
    let bundle = fields.filled("remoteKey").map(str::to_owned);
    let pattern = fields.object("match").and_then(|mut fields| {
        let pattern = fields.filled("regexp").map(str::to_owned);
        if let Some(pattern) = &pattern {
            compile::pattern(pattern, &fields.path_of("regexp"), fields.notes());
        }
        fields.close();
        pattern
    });
    let rewrite = rewrite::read_of_keys(&mut fields);
    if bundle.is_some() && !rewrite.is_empty() {
        fields.error(
            "rewrite",
            "does not go with remoteKey, where all keys become one entry; remove one of them",
        );
    }
    let metadata: Option<Value> = fields.value("metadata").cloned();
    let reverses_unicode = fields.choice("conversionStrategy", &CONVERSIONS).unwrap_or_default();
    fields.close();
    Some(PushDataTo { store: store?, bundle, pattern, rewrite, metadata, reverses_unicode })
}
