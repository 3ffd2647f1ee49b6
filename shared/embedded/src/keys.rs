//! Ids as text whose order, byte by byte, is the order of the ids.
//!
//! The parts are joined by a space: it is no part of a name, and it sorts before everything that is. With the `/` of
//! the usual notation `a-b/...` would come before `a/...`.

use pawl_domain::{ClusterName, DeclarationId, GeneratorKind, Home, Namespace, StoreId};
use pawl_ports::{DocumentKind, Unreadable};

pub(crate) fn of_declaration(id: &DeclarationId) -> String {
    format!("{} {} {}", id.cluster, id.namespace, id.name)
}

pub(crate) fn declaration(text: &str) -> Result<DeclarationId, Unreadable> {
    shown(text).parse().map_err(|_| Unreadable {
        kind: DocumentKind::Declaration,
        id: shown(text),
        reason: "its id is not valid".to_owned(),
    })
}

/// The usual notation of a declaration's id, whether it is valid or not.
pub(crate) fn shown(text: &str) -> String {
    text.replace(' ', "/")
}

/// The texts of all ids of a cluster lie above the first and below the second.
pub(crate) fn of_cluster(cluster: &ClusterName) -> (String, String) {
    // `!` is the next character after the space.
    (format!("{cluster} "), format!("{cluster}!"))
}

/// The same of a namespace of a cluster.
pub(crate) fn of_namespace(cluster: &ClusterName, namespace: &Namespace) -> (String, String) {
    (format!("{cluster} {namespace} "), format!("{cluster} {namespace}!"))
}

pub(crate) fn of_home(home: &Home) -> &str {
    match home {
        Home::Applied => "",
        Home::Cluster(cluster) => cluster.as_str(),
    }
}

pub(crate) fn of_store(id: &StoreId) -> String {
    let namespace = id.namespace.as_ref().map_or("", |namespace| namespace.as_str());
    let text = format!("{} {namespace} {}", of_home(&id.home), id.name);
    match id.generator {
        Some(generator) => format!("{text} {generator}"),
        None => text,
    }
}

/// How messages name the store whose id [`of_store`] wrote as `text`.
pub(crate) fn shown_store(text: &str) -> String {
    let store = |home: &str, namespace: &str, name: &str, generator: Option<&str>| {
        let home = if home.is_empty() { Home::Applied } else { Home::Cluster(home.parse().ok()?) };
        let namespace = if namespace.is_empty() { None } else { Some(namespace.parse().ok()?) };
        let generator = match generator {
            Some(kind) => Some(GeneratorKind::named(kind)?),
            None => None,
        };
        Some(StoreId { home, namespace, name: name.parse().ok()?, generator })
    };
    match text.split(' ').collect::<Vec<_>>()[..] {
        [home, namespace, name] => store(home, namespace, name, None).map(|id| id.to_string()),
        [home, namespace, name, kind] => store(home, namespace, name, Some(kind)).map(|id| id.to_string()),
        _ => None,
    }
    .unwrap_or_else(|| format!("store {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_texts_is_the_order_of_ids() {
        let names = ["0", "a", "a-b", "a.b", "a0", "b"];
        let mut ids = Vec::new();
        for cluster in names {
            for namespace in ["0", "a", "a-b", "a0"] {
                ids.extend(names.map(|name| DeclarationId {
                    cluster: cluster.parse().unwrap(),
                    namespace: namespace.parse().unwrap(),
                    name: name.parse().unwrap(),
                }));
            }
        }
        ids.sort();
        let texts: Vec<String> = ids.iter().map(of_declaration).collect();
        assert!(texts.is_sorted(), "{texts:?}");
        for (id, text) in ids.iter().zip(&texts) {
            assert_eq!(declaration(text).unwrap(), *id);
            let (above, below) = of_cluster(&id.cluster);
            let within = texts.iter().filter(|text| **text > above && **text < below).count();
            assert_eq!(within, ids.iter().filter(|other| other.cluster == id.cluster).count(), "{text}");
        }

        let homes =
            [Home::Applied, Home::Cluster("a".parse().unwrap()), Home::Cluster("a-b".parse().unwrap())];
        let mut stores = Vec::new();
        for home in homes {
            for namespace in [None, Some("a"), Some("a-b")] {
                for generator in [None, Some(GeneratorKind::ClusterGenerator), Some(GeneratorKind::Uuid)] {
                    stores.extend(names.map(|name| StoreId {
                        home: home.clone(),
                        namespace: namespace.map(|name| name.parse().unwrap()),
                        name: name.parse().unwrap(),
                        generator,
                    }));
                }
            }
        }
        stores.sort();
        assert!(stores.iter().map(of_store).is_sorted_by(|a, b| a < b));
        for id in &stores {
            assert_eq!(shown_store(&of_store(id)), id.to_string());
        }
    }

    #[test]
    fn what_is_no_id_is_an_error() {
        for text in ["", "a", "a b", "a  b", "A b c"] {
            assert!(declaration(text).is_err(), "{text:?}");
        }
    }
}
