//! `spec.provider.onepassword`: items of vaults that a Connect server gives out.

use super::SecretKeyRef;
use super::spec::Served;
use crate::name::Namespace;
use crate::provider::Provider;
use crate::query::Find;
use serde::{Deserialize, Serialize};

/// `spec.provider.onepassword` of a store. Source: ESO's CRD, version 2.9.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct OnePasswordStore {
    /// The address of the Connect server.
    pub connect_host: String,
    /// The token of Connect.
    pub connect_token: SecretKeyRef,
    /// The vaults, by title or id, the one that counts most first.
    pub vaults: Vec<String>,
}

impl OnePasswordStore {
    /// Whether a text is the id of a vault or item. Source: Connect's API, `^[\da-z]{26}$`.
    pub fn is_id(text: &str) -> bool {
        text.len() == 26 && text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
    }
}

impl Served for OnePasswordStore {
    const PROVIDER: Provider = Provider::OnePassword;

    fn server(&self) -> &str {
        &self.connect_host
    }

    fn references(&self) -> Vec<Option<&Namespace>> {
        vec![self.connect_token.namespace.as_ref()]
    }

    fn refuses(&self, _: &Find) -> Option<&'static str> {
        None
    }

    /// A search gives fields their labels, which are keys of no item: the text is one that no item can have.
    fn key_of(&self, name: &str) -> String {
        format!("\"{name}\"")
    }

    /// Any item may have a field of a name; `path` is the title of one, and counts where there are no tags.
    fn may_find(&self, find: &Find, _: &dyn Fn(&str) -> bool, name: &str) -> bool {
        let path = find.path.as_deref().filter(|_| find.tags.is_empty());
        path.is_none_or(|path| path == name || Self::is_id(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Backend;

    #[test]
    fn searches_are_concerned_by_every_item_or_by_the_one_they_name() {
        let token =
            SecretKeyRef { name: "connect".parse().unwrap(), key: "token".to_owned(), namespace: None };
        let store: Backend = OnePasswordStore {
            connect_host: "https://Connect.example.com/".to_owned(),
            connect_token: token,
            vaults: vec!["shop".to_owned()],
        }
        .into();
        assert_eq!(store.location().account.as_deref(), Some("https://connect.example.com"));
        let id = "abcdefghijklmnopqrstuvwx12";
        for (path, tag, name, finds) in [
            (None, None, "any", true),
            (Some("db"), None, "db", true),
            (Some("db"), None, "web", false),
            (Some("db"), None, id, true),
            (Some("db"), Some("team"), "web", true),
        ] {
            let tags = tag.iter().map(|tag: &&str| ((*tag).to_owned(), String::new())).collect();
            let find = Find { path: path.map(str::to_owned), name: Some("^x$".to_owned()), tags };
            assert_eq!(store.search(&find).finds(name), finds, "{find:?} {name}");
            assert_eq!(store.refuses(&find), None);
        }
        assert!(
            !store
                .location()
                .index_keys(&store.found_key("db"))
                .contains(store.location().index_keys("db").first().unwrap())
        );
    }
}
