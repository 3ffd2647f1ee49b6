//! 1Password: items of vaults, by a Connect server.
//!
//! | module | holds |
//! |---|---|
//! | `api` | the calls of Connect's API, and what its answers mean |

mod api;

use crate::kit::{Adapter, Dialect, Link, Material, Proof, Proving, Server};
use api::{Api, Full, Summary};
use pawl_domain::item::{Item, Part};
use pawl_domain::query::{NamePattern, Told};
use pawl_domain::store::{Backend, OnePasswordStore};
use pawl_domain::{Fetched, Find, Keep, Kind, Provider, SecretValue, Version};
use pawl_ports::{ClusterCredentials, Error, Wanted};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

/// 1Password Connect as [`Sources`](pawl_ports::Sources).
///
/// The token needs the right to read in each vault. An item is looked for by its title, or its id, in one vault after the other,
/// and read whole: two calls for all its fields, and one more for each file. A version is the item's id and number. A vault
/// tells in one call that nothing in it changed, and else its list has the numbers: a sweep reads no item.
///
/// That an item does not exist counts only where every vault was answered for, and its list has no such title.
pub type OnePasswordSources<C> = Adapter<OnePassword, C>;

/// What is particular to 1Password Connect.
#[derive(Clone, Copy, Debug, Default)]
pub struct OnePassword;

/// A proven identity at one server.
#[derive(Debug)]
pub struct Session {
    link: Arc<Link>,
    token: SecretValue,
    /// The ids of vaults, by what stores call them.
    vaults: Mutex<BTreeMap<String, String>>,
    lists: Lists,
}

/// By vault, the number of its content and the items that it had then, without what is in them.
type Lists = Arc<Mutex<BTreeMap<String, (u64, Arc<Vec<Summary>>)>>>;

impl Dialect for OnePassword {
    type Spec = OnePasswordStore;
    type Session = Session;

    const PROVIDER: Provider = Provider::OnePassword;

    fn spec(backend: &Backend) -> Option<&OnePasswordStore> {
        backend.as_one_password()
    }

    fn identity(spec: &OnePasswordStore) -> OnePasswordStore {
        OnePasswordStore { vaults: Vec::new(), ..spec.clone() }
    }

    fn server<'a>(&'a self, spec: &'a OnePasswordStore) -> Server<'a> {
        Server { provider: Provider::OnePassword, address: &spec.connect_host, field: "connectHost" }
    }

    async fn prove<C: ClusterCredentials>(
        &self,
        proving: Proving<'_, C, Self>,
    ) -> Result<Proof<Session>, Error> {
        let Proving { proofs, spec, last, .. } = &proving;
        let token = proofs.secret(&spec.connect_token).await?;
        let link = last.as_ref().map(|last| &last.link);
        let link = proving.link(proofs.server, Material::default(), link).await?;
        // Another token may see other vaults.
        let last = last.as_ref().filter(|last| last.token == token);
        let lists = last.map(|last| Arc::clone(&last.lists)).unwrap_or_default();
        Ok(proving.of_secrets(Session { link, token, vaults: Mutex::default(), lists }))
    }

    async fn check(api: &Api<'_>) -> Result<(), Error> {
        for vault in &api.spec.vaults {
            api.vault(vault).await?;
        }
        Ok(())
    }

    async fn values(api: &Api<'_>, wanted: &[Wanted]) -> Result<Vec<Result<Fetched, Error>>, Error> {
        let told: Vec<Told> = wanted.iter().map(|one| Told::from_text(&one.key)).collect();
        let keys: BTreeSet<&str> = told.iter().map(|told| told.key.as_str()).collect();
        let read: Vec<_> = keys.iter().map(|key| api.item(key)).collect();
        let items: BTreeMap<&str, _> = keys.iter().copied().zip(api.all(read).await).collect();
        let values: Vec<_> = told.iter().map(|told| value(api, told, &items[told.key.as_str()])).collect();
        Ok(api.all(values).await)
    }

    /// Source: ESO's `GetAllSecrets`. A search names its answers by the labels of fields, of which the first counts; tags, where
    /// there are any, before the title.
    async fn find(api: &Api<'_>, find: &Find, keep: &Keep) -> Result<BTreeMap<String, Fetched>, Error> {
        let call = api.call("items", "find");
        let pattern = find.pattern().map_err(|error| call.error(Kind::Invalid, error))?;
        let path = find.path.as_deref().filter(|_| find.tags.is_empty());
        let meant = |item: &Summary| {
            find.tags.keys().all(|tag| item.tags().contains(tag))
                && path.is_none_or(|path| path == item.title)
                && keep.allows(&item.title)
        };
        let mut found = BTreeMap::new();
        for vault in &api.spec.vaults {
            let id = api.vault(vault).await?;
            let list = api.items(&id).await?;
            let read: Vec<_> =
                list.iter().filter(|item| meant(item)).map(|item| named(api, &id, item, &pattern)).collect();
            for item in api.all(read).await {
                let Some((version, parts)) = item? else { continue };
                for (name, value) in parts {
                    let value = Item::of_one(value).to_value();
                    found.entry(name).or_insert_with(|| fetched(value, version.clone()));
                }
            }
        }
        Ok(found)
    }

    async fn versions(api: &Api<'_>, wanted: &[Wanted]) -> Result<Vec<Result<Version, Error>>, Error> {
        let mut lists = Vec::new();
        for vault in &api.spec.vaults {
            lists.push(api.list(vault).await);
        }
        let version = |one: &Wanted| {
            let told = Told::from_text(&one.key);
            api.refuse_version(&told)?;
            for list in &lists {
                let list = list.as_ref().map_err(Error::shared)?;
                if let Some(item) = api.meant(&told.key, list)? {
                    return Ok(Version { id: item.version(), since: None });
                }
            }
            Err(api.call("items", &told.key).missing())
        };
        Ok(wanted.iter().map(version).collect())
    }
}

/// The fields of an item whose labels the pattern matches, with the item's version. Files as well, where the list has them:
/// Connect's leaves them out. One that went meanwhile is left out.
async fn named(
    api: &Api<'_>,
    vault: &str,
    item: &Summary,
    pattern: &NamePattern,
) -> Result<Option<(String, Vec<(String, SecretValue)>)>, Error> {
    let mut parts = Vec::new();
    for file in item.files().iter().filter(|file| pattern.is_match(&file.name)) {
        parts.push((file.name.clone(), api.file(&item.title, file).await?));
    }
    let Some(full) = api.full(vault, &item.id, &item.title).await? else { return Ok(None) };
    let fields = Item { kind: Part::Field, parts: full.fields };
    if let Err(repeated) = fields.every(None) {
        let what = format!("several fields are called {:?}; give each a name of its own", repeated.0);
        return Err(api.call("items", &item.title).error(Kind::Invalid, what));
    }
    parts.extend(fields.parts.into_iter().filter(|(label, _)| pattern.is_match(label)));
    Ok(Some((full.version, parts)))
}

/// What may be meant of an item, by what is told with its key. Source: ESO's `getObjType`.
async fn value(api: &Api<'_>, told: &Told, item: &Result<Full, Error>) -> Result<Fetched, Error> {
    let item = item.as_ref().map_err(Error::shared)?;
    api.refuse_version(told)?;
    let (kind, label) = Part::named(&told.property);
    let kind = kind.unwrap_or(if item.is_document { Part::File } else { Part::Field });
    let mut parts = Vec::new();
    match kind {
        Part::Field => parts.clone_from(&item.fields),
        Part::File => {
            for file in item.files.iter().filter(|file| label.is_empty() || file.name == label) {
                parts.push((file.name.clone(), api.file(&told.key, file).await?));
            }
        }
    }
    Ok(fetched(Item { kind, parts }.to_value(), item.version.clone()))
}

fn fetched(value: SecretValue, id: String) -> Fetched {
    let (provider, version) = (Provider::OnePassword, Version { id, since: None });
    Fetched { provider, value, version, labels: Vec::new() }
}
