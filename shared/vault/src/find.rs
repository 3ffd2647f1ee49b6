//! Searches: a store's mount is listed folder by folder; without a mount, the one that `find.path` begins with.
//!
//! Source of the rules: ESO's Vault provider. The pattern sees the path below the mount, `find.path` included as it is
//! written; with a pattern tags do not count; tags are the key's own facts and its custom metadata.

use crate::answer;
use crate::call::LIST;
use crate::kv::Kv;
use crate::link::Ask;
use crate::path;
use futures::{StreamExt, TryStreamExt, stream};
use pawl_domain::declaration::NamePattern;
use pawl_domain::{Fetched, Find, Keep, Kind, VersionSelector};
use pawl_ports::{Error, Part, Wanted};
use std::collections::BTreeMap;

/// The most folders and keys that one search looks at.
const MOST_NAMES: usize = 100_000;

impl Kv<'_> {
    /// Every key that the criteria match, by the name that ESO gives it. Keys without data are left out.
    pub(crate) async fn find(&self, find: &Find, keep: &Keep) -> Result<BTreeMap<String, Fetched>, Error> {
        let start = find.path.as_deref().unwrap_or_default().trim_matches('/');
        let pattern = self.criteria(find, start)?;
        let name_of = |key: &str| match &find.path {
            Some(path) if self.rules.written_path => format!("{path}/{}", below(key, start)),
            _ => key.to_owned(),
        };
        let keys = self.keys_below(start).await?;
        let named = keys
            .into_iter()
            .map(|key| (name_of(&key), key))
            .filter(|(name, key)| pattern.is_match(name) && keep.allows(&self.remote(key)));
        let calls: Vec<_> = named.map(|(name, key)| self.tagged(find, name, key)).collect();
        let found: Vec<_> =
            stream::iter(calls).buffer_unordered(self.session.link.concurrency()).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    fn criteria(&self, find: &Find, start: &str) -> Result<NamePattern, Error> {
        let call = self.call(LIST, if start.is_empty() { "all keys" } else { start });
        if let Some(refusal) = self.backend.refuses(find) {
            return Err(call.error(Kind::Invalid, refusal));
        }
        find.pattern().map_err(|error| call.error(Kind::Invalid, error))
    }

    /// The value of a key, if it has one and the tags that are wanted.
    async fn tagged(
        &self,
        find: &Find,
        name: String,
        key: String,
    ) -> Result<Option<(String, Fetched)>, Error> {
        let wanted = Wanted { key: self.remote(&key), selector: VersionSelector::Current, part: Part::Value };
        let fetched: Result<_, Error> = async {
            if find.name.is_none() && !find.tags.is_empty() {
                let facts = self.metadata(&wanted.key).await?.facts();
                if !find.tags.iter().all(|(name, value)| facts.get(name) == Some(value)) {
                    return Ok(None);
                }
            }
            Ok(Some((name, self.fetch(&wanted).await?)))
        }
        .await;
        match fetched {
            // Deleted, or gone since it was listed.
            Err(error) if error.kind == Kind::NotFound => Ok(None),
            other => other,
        }
    }

    /// The paths below the mount of all keys in a folder and the folders in it.
    async fn keys_below(&self, start: &str) -> Result<Vec<String>, Error> {
        let (mut keys, mut folders, mut seen) = (Vec::new(), vec![start.to_owned()], 0);
        while !folders.is_empty() {
            let calls: Vec<_> =
                std::mem::take(&mut folders).into_iter().map(|folder| self.names_in(folder)).collect();
            let lists: Vec<Vec<String>> =
                stream::iter(calls).buffer_unordered(self.session.link.concurrency()).try_collect().await?;
            for path in lists.into_iter().flatten() {
                seen += 1;
                match path.strip_suffix('/') {
                    Some(folder) if self.rules.folders => folders.push(folder.to_owned()),
                    Some(_) => {}
                    None => keys.push(path),
                }
            }
            if seen > MOST_NAMES {
                let call = self.call(LIST, start);
                return Err(call.error(
                    Kind::Invalid,
                    format_args!("more than {MOST_NAMES} keys are there; narrow the search with find.path"),
                ));
            }
        }
        Ok(keys)
    }

    /// What is in a folder, each with the folder before it, folders with a slash behind them.
    async fn names_in(&self, folder: String) -> Result<Vec<String>, Error> {
        let path = path::of_folder(self.store, &folder);
        let subject = self.remote(&folder);
        let call = self.call(LIST, &subject);
        let names =
            self.ask(&call, Ask { query: vec![("list", "true")], ..Ask::get(&path) }, answer::keys).await?;
        let whole = |name: String| if folder.is_empty() { name } else { format!("{folder}/{name}") };
        // A name of nothing would lead back to where it is listed.
        Ok(names.into_iter().filter(|name| !name.trim_matches('/').is_empty()).map(whole).collect())
    }

    /// A path below the mount, as [`pawl_domain::Store::remote_key`] names it.
    fn remote(&self, key: &str) -> String {
        let parts = [self.store.key_namespace(), self.store.mount(), Some(key)];
        let parts: Vec<_> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
        parts.join("/")
    }
}

fn below<'a>(key: &'a str, start: &str) -> &'a str {
    key.strip_prefix(start).unwrap_or(key).trim_start_matches('/')
}
