//! Objects of ESO's group `generators.external-secrets.io` to stores whose backend is a generator: one file per kind whose
//! spec has fields of its own.
//!
//! Source of fields, defaults and rules: ESO's CRDs, version 2.9.

mod acr;
mod aws;
mod federated;
mod github;
mod mfa;
mod password;
mod ssh_key;
mod vault;

use crate::ParseOptions;
use crate::address::Way;
use crate::metadata;
use crate::provider::{gcpsm, webhook};
use crate::reader::{Fields, shortened};
use crate::references::References;
use pawl_domain::store::{FakeEntry, FakeStore, GcpStore};
use pawl_domain::{Generator, GeneratorKind, Home, ObjectName, Store, StoreId};

/// The generator of an object of this kind. Whether it may be used, the notes tell; `None` also for one of another class.
pub(super) fn read(root: Fields<'_>, options: &ParseOptions, kind: GeneratorKind) -> Option<Store> {
    let notes = root.notes();
    let (metadata, spec) = metadata::with_or_without_spec::<ObjectName>(root)?;
    if metadata.deleting && matches!(options.home, Home::Cluster(_)) {
        return None;
    }
    let namespace = match (kind, &metadata.namespace) {
        (GeneratorKind::ClusterGenerator, Some(_)) => {
            notes.warning("metadata.namespace", "has no effect: a ClusterGenerator has no namespace");
            None
        }
        (GeneratorKind::ClusterGenerator, None) => None,
        _ => Some(metadata.namespace(options, notes)?),
    };
    let generator = match (kind, spec) {
        (GeneratorKind::ClusterGenerator, Some(spec)) => of_all_namespaces(spec, options)?,
        // It has no fields, so it may be left out.
        (GeneratorKind::Uuid, None) => Generator::Uuid,
        (GeneratorKind::Fake, None) => Generator::Fake(FakeStore::default()),
        (_, None) => {
            notes.error("spec", "is missing");
            return None;
        }
        (kind, Some(spec)) => of_spec(kind, spec, options)?,
    };
    let id = StoreId { home: options.home.clone(), namespace, name: metadata.name, generator: Some(kind) };
    Some(Store { id, backend: generator.into(), conditions: Vec::new(), labels: metadata.labels, set: None })
}

/// Which of a ClusterGenerator's specs is that of a kind.
const SPECS: [(GeneratorKind, &str); 14] = [
    (GeneratorKind::AcrAccessToken, "acrAccessTokenSpec"),
    (GeneratorKind::CloudsmithAccessToken, "cloudsmithAccessTokenSpec"),
    (GeneratorKind::EcrAuthorizationToken, "ecrAuthorizationTokenSpec"),
    (GeneratorKind::Fake, "fakeSpec"),
    (GeneratorKind::GcrAccessToken, "gcrAccessTokenSpec"),
    (GeneratorKind::GithubAccessToken, "githubAccessTokenSpec"),
    (GeneratorKind::Mfa, "mfaSpec"),
    (GeneratorKind::Password, "passwordSpec"),
    (GeneratorKind::QuayAccessToken, "quayAccessTokenSpec"),
    (GeneratorKind::SshKey, "sshKeySpec"),
    (GeneratorKind::StsSessionToken, "stsSessionTokenSpec"),
    (GeneratorKind::Uuid, "uuidSpec"),
    (GeneratorKind::VaultDynamicSecret, "vaultDynamicSecretSpec"),
    (GeneratorKind::Webhook, "webhookSpec"),
];

/// `spec` of a ClusterGenerator.
fn of_all_namespaces(mut spec: Fields<'_>, options: &ParseOptions) -> Option<Generator> {
    let named = spec.required("kind", "the kind of the generator that it holds");
    let kind = named.and_then(|name| kind_of(&spec, "kind", name));
    if !spec.has("generator") {
        spec.error("generator", "is missing; write the spec of the generator in it");
    }
    let mut held = spec.object("generator")?;
    spec.close();
    let kind = kind?;
    let Some((kind, field)) = SPECS.iter().find(|(served, _)| *served == kind) else {
        held.notes()
            .error("spec.kind", format!("{kind} cannot be held by another; write the kind that it holds"));
        return None;
    };
    let own = held.present(field, "is missing, though kind names it; write it");
    if let Some(other) = held.names().find(|name| name != field) {
        let message = format!("must have {field} alone, found {} too", shortened(other));
        held.notes().error(held.path(), message);
    }
    of_spec(*kind, own?, options)
}

/// The kind of this name; noted where it is none, or one that is not served.
pub(super) fn kind_of(fields: &Fields<'_>, field: &str, name: &str) -> Option<GeneratorKind> {
    let Some(kind) = GeneratorKind::named(name) else {
        fields.error(field, format!("{:?} is no kind of generator", shortened(name)));
        return None;
    };
    if !kind.is_served() {
        let message =
            format!("{kind} is not supported yet; leave what reads it to ESO, or make the Secret otherwise");
        fields.error(field, message);
        return None;
    }
    Some(kind)
}

fn of_spec(kind: GeneratorKind, mut spec: Fields<'_>, options: &ParseOptions) -> Option<Generator> {
    let generator = match kind {
        GeneratorKind::AcrAccessToken => acr::read(&mut spec).map(|spec| Generator::Acr(Box::new(spec))),
        GeneratorKind::CloudsmithAccessToken => federated::cloudsmith(&mut spec).map(Generator::Cloudsmith),
        GeneratorKind::EcrAuthorizationToken => aws::ecr(&mut spec).map(Generator::Ecr),
        GeneratorKind::Fake => fake(&mut spec, options),
        GeneratorKind::GcrAccessToken => gcr(&mut spec).map(|spec| Generator::Gcr(Box::new(spec))),
        GeneratorKind::GithubAccessToken => github::read(&mut spec).map(Generator::Github),
        GeneratorKind::Mfa => mfa::read(&mut spec).map(Generator::Mfa),
        GeneratorKind::Password => Some(Generator::Password(password::read(&mut spec))),
        GeneratorKind::QuayAccessToken => federated::quay(&mut spec).map(Generator::Quay),
        GeneratorKind::SshKey => ssh_key::read(&mut spec).map(Generator::SshKey),
        GeneratorKind::StsSessionToken => aws::sts(&mut spec).map(Generator::Sts),
        GeneratorKind::Uuid => Some(Generator::Uuid),
        GeneratorKind::VaultDynamicSecret => {
            vault::read(&mut spec, options).map(|spec| Generator::Vault(Box::new(spec)))
        }
        GeneratorKind::Webhook => {
            let spec = webhook::spec(&mut spec, References::Generator);
            spec.map(|spec| Generator::Webhook(Box::new(spec)))
        }
        _ => None,
    };
    spec.close();
    generator
}

fn fake(spec: &mut Fields<'_>, options: &ParseOptions) -> Option<Generator> {
    let data = spec.text_map("data");
    if is_of_another_class(spec, options) {
        return None;
    }
    let entry = |(key, value)| FakeEntry { key, value, version: String::new() };
    let data = data.into_iter().map(entry).collect();
    Some(Generator::Fake(FakeStore { data, is_refused: false }))
}

/// `spec` of a GCRAccessToken.
fn gcr(spec: &mut Fields<'_>) -> Option<GcpStore> {
    let project = spec.required("projectID", "the project whose registries are meant").map(str::to_owned);
    let auth = gcpsm::identity(spec, References::Generator);
    Some(GcpStore { project: project?, location: None, falls_back: false, auth: auth? })
}

fn is_of_another_class(spec: &mut Fields<'_>, options: &ParseOptions) -> bool {
    let Some(class) = spec.filled("controller").filter(|class| *class != options.class) else { return false };
    let (class, own) = (shortened(class), &options.class);
    let message = format!("names class {class:?}, not {own:?}, so the generator is passed over");
    spec.notes().warning(spec.path_of("controller"), message);
    true
}

/// The address of a server that credentials are sent to.
fn server(spec: &mut Fields<'_>, field: &'static str, default: &str) -> String {
    let url = spec.filled(field).unwrap_or(default).trim_end_matches('/').to_owned();
    check_server(spec, field, &url);
    url
}

fn check_server(spec: &Fields<'_>, field: &str, url: &str) {
    match Way::to(url) {
        Some(Way::Encrypted | Way::Loopback) => {}
        Some(Way::Plain) => {
            spec.error(field, "is not encrypted, so others on the way could read tokens; write https");
        }
        None => spec.error(field, "is not a URL; write it as https://<host>"),
    }
}
