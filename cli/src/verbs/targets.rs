//! What would become of targets, key by key.

use pawl_domain::DeclarationId;
use pawl_pipeline::rehearse::{Field, Intent, Rehearsal, Would};
use pawl_ports::Unreadable;
use serde::Serialize;

/// What would become of one target. Of values it has keyed digests.
#[derive(Debug, Serialize)]
pub(super) struct Target {
    declaration: String,
    cluster: String,
    target: String,
    change: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keys: Vec<Key>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

#[derive(Debug, Serialize)]
struct Key {
    part: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    stands: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    becomes: Option<String>,
}

/// What would stay as it is.
const LEFT: &str = "none";
/// What could not be rehearsed.
const FAILED: &str = "failed";

impl Target {
    /// That of a declaration whose document cannot be read.
    pub(super) fn unreadable(document: &Unreadable) -> Self {
        Self {
            declaration: document.id.clone(),
            cluster: document.id.split('/').next().unwrap_or_default().to_owned(),
            target: "unknown".to_owned(),
            change: FAILED,
            keys: Vec::new(),
            message: Some(document.to_string()),
        }
    }

    /// Whether it would stay as it stands, and nothing stands in the way.
    pub(super) fn is_left(&self) -> bool {
        self.change == LEFT && self.message.is_none()
    }

    /// Whether it could not be told what would become of it.
    pub(super) fn is_failed(&self) -> bool {
        self.change == FAILED
    }

    /// The change in a word.
    pub(super) fn change(&self) -> &'static str {
        self.change
    }

    /// Its rows: the change and its keys.
    pub(super) fn rows(&self) -> Vec<Vec<String>> {
        let object = format!("{} ({})", self.declaration, self.target);
        let message = self.message.clone().unwrap_or_default();
        let row = |key: &str, stands: &str, becomes: &str, message: &str| {
            [object.as_str(), self.change, key, stands, becomes, message].map(str::to_owned).to_vec()
        };
        if self.keys.is_empty() {
            return vec![row("", "", "", &message)];
        }
        let of_key = |(position, key): (usize, &Key)| {
            let named = format!("{} {}", key.part, key.key);
            let digest = |digest: &Option<String>| digest.clone().unwrap_or_else(|| "-".to_owned());
            let (stands, becomes) = match key.key.is_empty() {
                true => (String::new(), String::new()),
                false => (digest(&key.stands), digest(&key.becomes)),
            };
            row(named.trim_end(), &stands, &becomes, if position == 0 { &message } else { "" })
        };
        self.keys.iter().enumerate().map(of_key).collect()
    }

    /// The headings of its rows.
    pub(super) const HEADINGS: &'static [&'static str] =
        &["OBJECT", "CHANGE", "KEY", "STANDS", "BECOMES", "MESSAGE"];
}

impl From<Rehearsal> for Target {
    fn from(Rehearsal { id, target, would }: Rehearsal) -> Self {
        let DeclarationId { cluster, .. } = &id;
        let (change, keys, message) = match would {
            Ok(Would { intent, refused, fields }) => {
                let message = match intent {
                    Intent::Unseen => {
                        Some("its cluster is not registered yet, so nobody can look".to_owned())
                    }
                    Intent::Create | Intent::Change | Intent::Delete | Intent::Leave => refused,
                };
                (word(intent), fields.into_iter().map(Key::from).collect(), message)
            }
            Err(error) => (FAILED, Vec::new(), Some(error.to_string())),
        };
        Self { declaration: id.to_string(), cluster: cluster.to_string(), target, change, keys, message }
    }
}

impl From<Field> for Key {
    fn from(Field { part, key, standing, wanted }: Field) -> Self {
        Self { part, key, stands: standing, becomes: wanted }
    }
}

fn word(intent: Intent) -> &'static str {
    match intent {
        Intent::Create => "create",
        Intent::Change => "change",
        Intent::Delete => "delete",
        Intent::Leave => LEFT,
        Intent::Unseen => "unknown",
    }
}

/// How many targets there are of each change, in one line.
pub(super) fn counts(targets: &[Target]) -> String {
    let count = |change: &str| targets.iter().filter(|target| target.change() == change).count();
    let told = ["create", "change", "delete", "unknown", FAILED].map(|change| (change, count(change)));
    let told = told.into_iter().filter(|(change, count)| *count > 0 || !["unknown", FAILED].contains(change));
    let told: Vec<_> = told.map(|(change, count)| format!("{count} {change}")).collect();
    format!("targets: {}, {} as they stand", told.join(", "), count(LEFT))
}
