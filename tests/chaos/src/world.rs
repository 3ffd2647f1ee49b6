//! What a run is about: keys in three stores, declarations that read them, and values that say where they come from.

use std::fmt;

/// Keys of each store.
pub(crate) const KEYS: u8 = 10;
/// Clusters. The last one has its ExternalSecrets inside; those of the others are applied.
pub(crate) const CLUSTERS: usize = 3;
/// Declarations that each cluster may have at the same time.
pub(crate) const PLACES: u16 = 20;

/// The stores, all three of them read by every cluster.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Store {
    Manager,
    Parameters,
    Vault,
}

impl Store {
    pub(crate) const ALL: [Self; 3] = [Self::Manager, Self::Parameters, Self::Vault];

    /// The name of its ClusterSecretStore.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Manager => "manager",
            Self::Parameters => "parameters",
            Self::Vault => "vault",
        }
    }

    fn letter(self) -> char {
        self.name().chars().next().unwrap_or_default()
    }
}

/// One secret in a store. Shown as `m07`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Key {
    pub(crate) store: Store,
    pub(crate) number: u8,
}

impl Key {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Store::ALL.into_iter().flat_map(|store| (0..KEYS).map(move |number| Self { store, number }))
    }

    /// Reads what [`Key`] shows.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let store = Store::ALL.into_iter().find(|store| text.starts_with(store.letter()))?;
        let number = text.get(1..).filter(|digits| digits.len() == 2)?.parse().ok()?;
        (number < KEYS).then_some(Self { store, number })
    }

    /// Whether declarations read it by [`LABEL`] and not as it stands now. Always one or the other, so that a target shows one
    /// sequence of states for a key.
    pub(crate) fn is_labelled(self) -> bool {
        self.store != Store::Vault && self.number % 3 == 2
    }

    /// Its name in the store.
    pub(crate) fn name(self) -> String {
        match self.store {
            Store::Parameters => format!("/chaos/{self}"),
            Store::Manager | Store::Vault => format!("chaos/{self}"),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{:02}", self.store.letter(), self.number)
    }
}

/// The label of [`Key::is_labelled`] keys: a staging label, or a label of a parameter's version.
pub(crate) const LABEL: &str = "live";

/// What stands in a store for the `n`th value of a key: JSON with two properties. Each holds a token that names key and
/// number, wherever it turns up, and the canary.
pub(crate) fn value(key: Key, n: u32, canary: &str) -> String {
    format!(r#"{{"a":"~{key}~{n}~{canary}~","b":"second ~{key}~{n}~{canary}~"}}"#)
}

/// The tokens of [`value`] in a text, in order.
pub(crate) fn tokens(text: &str) -> Vec<(Key, u32)> {
    let parts: Vec<&str> = text.split('~').collect();
    let token = |pair: &[&str]| Some((Key::parse(pair[0])?, pair[1].parse().ok()?));
    parts.windows(2).filter_map(token).collect()
}

/// Where a declaration may stand. Shown as `blue/chaos-1/d004`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Place {
    pub(crate) cluster: usize,
    pub(crate) number: u16,
}

impl Place {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..CLUSTERS).flat_map(|cluster| (0..PLACES).map(move |number| Self { cluster, number }))
    }

    pub(crate) fn namespace(self) -> String {
        format!("{NAMESPACES}{}", self.number % 3)
    }

    pub(crate) fn name(self) -> String {
        format!("d{:03}", self.number)
    }

    /// Whether the manifest is put into the cluster, rather than applied to Pawl.
    pub(crate) fn is_indexed(self) -> bool {
        self.cluster + 1 == CLUSTERS
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}/{}", cluster_name(self.cluster), self.namespace(), self.name())
    }
}

/// What the namespaces of declarations begin with.
pub(crate) const NAMESPACES: &str = "chaos-";

pub(crate) fn cluster_name(cluster: usize) -> &'static str {
    ["blue", "green", "red"].get(cluster).copied().unwrap_or("other")
}

/// What a declaration asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Spec {
    /// Which of the place's manifests it is, counted over the whole run.
    pub(crate) generation: u32,
    /// What it reads, into fields `f0`, `f1`, ... No key twice.
    pub(crate) reads: Vec<Key>,
    pub(crate) form: Form,
    /// refreshInterval in seconds.
    pub(crate) interval: u32,
    /// Which of two names the Secret has.
    pub(crate) second_name: bool,
}

/// How values become fields.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    /// The whole text of each key.
    Whole,
    /// Property `a` of each key.
    Property,
    /// All properties of the only key.
    Extract,
    /// A field `all` that a template makes of property `a` of each key.
    Template,
}

impl Spec {
    /// The Secret of a declaration at this place.
    pub(crate) fn target(&self, place: Place) -> Target {
        let ending = if self.second_name { "b" } else { "a" };
        Target {
            cluster: place.cluster,
            namespace: place.namespace(),
            name: format!("{}-{ending}", place.name()),
        }
    }
}

/// A Secret in a cluster. Shown as `blue/chaos-1/d004-a`.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Target {
    pub(crate) cluster: usize,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Target {
    /// The declaration that a Secret of this name belongs to.
    pub(crate) fn place(&self) -> Option<Place> {
        let number = self.name.strip_prefix('d')?.get(..3)?.parse().ok()?;
        Some(Place { cluster: self.cluster, number })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}/{}", cluster_name(self.cluster), self.namespace, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_says_where_it_comes_from_in_whatever_it_becomes() {
        let (a, b) = (Key { store: Store::Manager, number: 7 }, Key { store: Store::Vault, number: 0 });
        let text = format!("x {} y {}", value(a, 18, "canary1"), value(b, 2, "canary1"));
        assert_eq!(tokens(&text), [(a, 18), (a, 18), (b, 2), (b, 2)]);
        assert_eq!(tokens("edited by hand"), []);
    }

    #[test]
    fn names_are_read_back() {
        assert!(Key::all().all(|key| Key::parse(&key.to_string()) == Some(key)));
        let spec = Spec { generation: 1, reads: vec![], form: Form::Whole, interval: 1, second_name: true };
        assert!(Place::all().all(|place| spec.target(place).place() == Some(place)));
    }
}
