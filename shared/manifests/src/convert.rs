//! Manifests of other tools, rewritten as ExternalSecrets and SecretStores. `pawl convert` prints them.
//!
//! | from | kinds |
//! |---|---|
//! | kubernetes-external-secrets | `ExternalSecret` of `kubernetes-client.io` |
//! | the Secrets Store CSI driver with its provider for AWS | `SecretProviderClass`, as far as it has `secretObjects` |
//! | the Vault Secrets Operator | `VaultStaticSecret`, with its `VaultAuth` and `VaultConnection` |
//!
//! What has no equal is a [`Problem`]: an error where the Secret would be another one or none is made, a warning where it is
//! the same. Objects of other kinds are passed over. Each file below reads one tool's manifests, and says what they mean by
//! the tool's own definition of its kinds.

mod csi;
mod kes;
mod made;
mod vso;

use crate::reader::{Fields, Notes};
use crate::{Found, Place, documents, flatten, title};
use made::Made;
use pawl_domain::{Home, ObjectName, Problem, Severity};
use serde_json::Value;

/// What the other tools know by the machine or the Pod that they run in, and manifests of stores must say.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The region of AWS of manifests that name none.
    pub region: Option<String>,
    /// The address of Vault of manifests that name none.
    pub vault: Option<String>,
    /// The service account that proves the identity of stores, where the manifests name none.
    pub service_account: Option<ObjectName>,
}

/// What became of them.
#[derive(Debug, Default)]
pub struct Converted {
    /// The stores, by namespace and name, then the ExternalSecrets in the order of what they are made of.
    pub manifests: Vec<Value>,
    /// What could not be converted, and what is lost.
    pub problems: Vec<Problem>,
}

/// Converts the manifests of several texts, each with what it is called in problems. They are read together, for one object
/// may name another.
pub fn convert(texts: &[(&str, &str)], settings: &Settings) -> Converted {
    let mut problems = Vec::new();
    let mut objects = Vec::new();
    for (place, text) in texts {
        for (order, document) in documents::documents(text).into_iter().enumerate() {
            let place = Place { order, text: format!("{place}:{}", document.line) };
            match document.content {
                Ok(value) => flatten(value, &place, &mut objects),
                Err(message) => problems.push(Problem {
                    severity: Severity::Error,
                    place: place.text,
                    object: "document".to_owned(),
                    field: String::new(),
                    message: format!("is not valid YAML: {message}"),
                }),
            }
        }
    }
    let others: Vec<&Value> = objects.iter().map(|found| &found.value).collect();
    let mut made = Made::default();
    for found in &objects {
        problems.extend(one(found, &others, settings, &mut made));
    }
    Converted { manifests: made.into_manifests(), problems }
}

fn one(found: &Found, others: &[&Value], settings: &Settings, made: &mut Made) -> Vec<Problem> {
    let text = |field: &str| found.value[field].as_str().unwrap_or_default();
    let group = text("apiVersion").split('/').next().unwrap_or_default();
    let notes = Notes::of(&Home::Applied);
    let renamed;
    let mut value = &found.value;
    if group == kes::GROUP {
        renamed = kes::of_today(value.clone());
        value = &renamed;
    }
    let Some(root) = Fields::of(value, "", &notes) else { return Vec::new() };
    // What was made of an object that turns out to be unusable is not kept.
    let before = made.clone();
    match (group, text("kind")) {
        (kes::GROUP, "ExternalSecret") => kes::read(root, settings, made),
        (csi::GROUP, "SecretProviderClass") => csi::read(root, settings, made),
        (vso::GROUP, kind) => vso::read(root, kind, others, made),
        _ => return Vec::new(),
    };
    if notes.is_refused() {
        *made = before;
    }
    notes.into_problems(&found.place.text, &title(&found.value))
}
