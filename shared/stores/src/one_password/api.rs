//! The calls of Connect's API, and what its answers mean. Source: 1Password's `connect-sdk-go`, version 1.5, and the description
//! of the API that Connect comes with.

use super::OnePassword;
use crate::kit::{Ask, Asked, Call, Hidden, Reply, locked, may_pass, sealed, together};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pawl_domain::query::Told;
use pawl_domain::store::OnePasswordStore;
use pawl_domain::{Kind, SecretValue};
use pawl_ports::Error;
use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use serde::Deserialize;
use std::sync::Arc;

/// One store, asked with a proven identity.
pub(super) type Api<'a> = Asked<'a, OnePassword>;

#[derive(Deserialize)]
struct Vault {
    id: String,
    #[serde(default, rename = "contentVersion")]
    content: u64,
}

/// An item as lists have it: without its fields.
#[derive(Debug, Deserialize)]
pub(super) struct Summary {
    pub(super) id: String,
    #[serde(default)]
    pub(super) title: String,
    tags: Option<Vec<String>>,
    #[serde(default)]
    version: u64,
    files: Option<Vec<File>>,
}

#[derive(Deserialize)]
struct Wire {
    id: String,
    #[serde(default)]
    version: u64,
    #[serde(default)]
    category: Option<String>,
    fields: Option<Vec<Field>>,
    files: Option<Vec<File>>,
}

#[derive(Deserialize)]
struct Field {
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    value: Option<Hidden>,
}

/// A file of an item. Small ones may come with their content, in base64.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct File {
    pub(super) name: String,
    content_path: Option<String>,
    content: Option<Hidden>,
}

/// A whole item.
pub(super) struct Full {
    pub(super) version: String,
    pub(super) is_document: bool,
    pub(super) fields: Vec<(String, SecretValue)>,
    pub(super) files: Vec<File>,
}

impl Api<'_> {
    /// What these bring, some of them at a time.
    pub(super) async fn all<F: Future>(&self, calls: Vec<F>) -> Vec<F::Output> {
        together(self.session.link.bounds(), calls).await
    }

    /// The item that a key means: of its id, or else its title, in the first vault that has one.
    pub(super) async fn item(&self, key: &str) -> Result<Full, Error> {
        for vault in &self.spec.vaults {
            let vault = self.vault(vault).await?;
            if OnePasswordStore::is_id(key)
                && let Some(found) = self.full(&vault, key, key).await?
            {
                return Ok(found);
            }
            let filter = format!("title eq \"{key}\"");
            let list = self.listed(key, &vault, Some(&filter)).await?;
            let item = self.one_of(key, &mut list.iter())?;
            if let Some(item) = item
                && let Some(found) = self.full(&vault, &item.id, key).await?
            {
                return Ok(found);
            }
        }
        Err(self.call("items", key).missing())
    }

    /// The item of a vault's list that a key means, by the same rule.
    pub(super) fn meant<'l>(&self, key: &str, list: &'l [Summary]) -> Result<Option<&'l Summary>, Error> {
        let by_id = list.iter().find(|item| OnePasswordStore::is_id(key) && item.id == key);
        match by_id {
            Some(item) => Ok(Some(item)),
            None => self.one_of(key, &mut list.iter().filter(|item| item.title == key)),
        }
    }

    fn one_of<'l>(
        &self,
        key: &str,
        items: &mut dyn Iterator<Item = &'l Summary>,
    ) -> Result<Option<&'l Summary>, Error> {
        match (items.next(), items.next()) {
            (_, Some(_)) => {
                let what =
                    "several items of a vault have this title; give each one of its own, or write an id";
                Err(self.call("items", key).error(Kind::Invalid, what))
            }
            (item, None) => Ok(item),
        }
    }

    /// ESO reads nothing of a version.
    pub(super) fn refuse_version(&self, told: &Told) -> Result<(), Error> {
        match told.version.is_empty() {
            true => Ok(()),
            false => {
                let what = "Connect gives out the version in force alone; leave remoteRef.version out";
                Err(self.call("items", &told.key).error(Kind::Invalid, what))
            }
        }
    }

    /// The id of a vault, which is remembered for as long as the session is.
    pub(super) async fn vault(&self, named: &str) -> Result<String, Error> {
        let known = locked(&self.session.vaults).get(named).cloned();
        match known {
            Some(id) => Ok(id),
            None => Ok(self.look(named).await?.id),
        }
    }

    async fn look(&self, named: &str) -> Result<Vault, Error> {
        let subject = format!("vault {named}");
        let call = self.call("vault", &subject);
        let unknown = "there is no such vault, or the token does not see it, or there are several; check the store's vaults";
        let vault = match OnePasswordStore::is_id(named) {
            true => {
                let reply = self.get(&call, &["v1", "vaults", named], None).await?;
                if reply.status == StatusCode::NOT_FOUND {
                    return Err(call.error(Kind::Invalid, unknown));
                }
                self.read(&call, &reply, Reply::object)
            }
            false => {
                let filter = format!("title eq \"{named}\"");
                let reply = self.get(&call, &["v1", "vaults"], Some(&filter)).await?;
                let found: Vec<Vault> = self.read(&call, &reply, Reply::list)?;
                let [vault] =
                    <[Vault; 1]>::try_from(found).map_err(|_| call.error(Kind::Invalid, unknown))?;
                Ok(vault)
            }
        };
        let vault: Vault = call.counted(vault)?;
        locked(&self.session.vaults).insert(named.to_owned(), vault.id.clone());
        Ok(vault)
    }

    /// The list of a vault, which is not asked for where nothing in the vault changed since.
    pub(super) async fn list(&self, named: &str) -> Result<Arc<Vec<Summary>>, Error> {
        // Looked at before the list: what changes in between is seen the next time.
        let vault = self.look(named).await?;
        let known = locked(&self.session.lists).get(&vault.id).cloned();
        if let Some((_, list)) = known.filter(|(content, _)| *content == vault.content && *content > 0) {
            return Ok(list);
        }
        let list = Arc::new(self.items(&vault.id).await?);
        locked(&self.session.lists).insert(vault.id, (vault.content, Arc::clone(&list)));
        Ok(list)
    }

    /// All items of a vault.
    pub(super) async fn items(&self, vault: &str) -> Result<Vec<Summary>, Error> {
        self.listed(&format!("items of vault {vault}"), vault, None).await
    }

    async fn listed(&self, subject: &str, vault: &str, filter: Option<&str>) -> Result<Vec<Summary>, Error> {
        let call = self.call("items", subject);
        let reply = self.get(&call, &["v1", "vaults", vault, "items"], filter).await;
        call.counted(reply.and_then(|reply| self.read(&call, &reply, Reply::list)))
    }

    /// A whole item; nothing where the vault has none of this id.
    pub(super) async fn full(&self, vault: &str, id: &str, key: &str) -> Result<Option<Full>, Error> {
        let call = self.call("item", key);
        let reply = self.get(&call, &["v1", "vaults", vault, "items", id], None).await;
        call.counted(reply.and_then(|reply| {
            if reply.status == StatusCode::NOT_FOUND && of_connect(&reply).is_some() {
                return Ok(None);
            }
            let wire: Wire = self.read(&call, &reply, Reply::object)?;
            Ok(Some(wire.into()))
        }))
    }

    /// The content of a file.
    pub(super) async fn file(&self, key: &str, file: &File) -> Result<SecretValue, Error> {
        let subject = format!("file {:?} of {key}", file.name);
        let call = self.call("file", &subject);
        if let Some(content) = &file.content {
            return STANDARD.decode(content.expose()).map(SecretValue::new).map_err(|_| call.unreadable());
        }
        let path: Vec<&str> = file.content_path.iter().flat_map(|path| path.split('/')).skip(1).collect();
        if path.first() != Some(&"v1") {
            return Err(call.unreadable());
        }
        let reply = self.get(&call, &path, None).await;
        call.counted(reply.and_then(|reply| match reply.status.is_success() {
            true => Ok(SecretValue::new(reply.body.to_vec())),
            false => Err(self.refusal(&call, &reply)),
        }))
    }

    /// Connect refuses at times for a moment what it allows: such an answer is not taken at once, as in ESO.
    async fn get(&self, call: &Call<'_>, path: &[&str], filter: Option<&str>) -> Result<Reply, Error> {
        let link = &self.session.link;
        let shown = SecretValue::new([b"Bearer ", self.session.token.expose()].concat());
        let headers = HeaderMap::from_iter([(AUTHORIZATION, sealed(&shown, call)?)]);
        let query: Vec<_> = filter.map(|filter| ("filter", filter)).into_iter().collect();
        let refused = |reply: &Reply| {
            let said = || of_connect(reply).is_some_and(|said| said.starts_with("Authorization"));
            reply.status == StatusCode::FORBIDDEN && said()
        };
        let ask = Ask { headers, largest: link.bounds().largest_list, ..Ask::get(path, &query) };
        link.send(call, &|| Ok(ask.clone()), &|reply: &Reply| may_pass(reply) || refused(reply)).await
    }

    fn read<'r, T>(
        &self,
        call: &Call<'_>,
        reply: &'r Reply,
        body: impl FnOnce(&'r Reply) -> Option<T>,
    ) -> Result<T, Error> {
        match reply.status.is_success() {
            true => body(reply).ok_or_else(|| call.unreadable()),
            false => Err(self.refusal(call, reply)),
        }
    }

    fn refusal(&self, call: &Call<'_>, reply: &Reply) -> Error {
        // Of anything but an item of a vault that is seen, 404 says nothing of keys.
        reply.failure(call.refused(reply, "the right to read in the vault"))
    }
}

impl Summary {
    pub(super) fn tags(&self) -> &[String] {
        self.tags.as_deref().unwrap_or_default()
    }

    pub(super) fn files(&self) -> &[File] {
        self.files.as_deref().unwrap_or_default()
    }

    pub(super) fn version(&self) -> String {
        version(&self.id, self.version)
    }
}

impl From<Wire> for Full {
    fn from(wire: Wire) -> Self {
        let field = |field: Field| {
            (
                field.label.unwrap_or_default(),
                field.value.map_or_else(|| SecretValue::new(""), |value| value.0),
            )
        };
        Self {
            version: version(&wire.id, wire.version),
            is_document: wire.category.as_deref() == Some("DOCUMENT"),
            fields: wire.fields.into_iter().flatten().map(field).collect(),
            files: wire.files.unwrap_or_default(),
        }
    }
}

fn version(id: &str, number: u64) -> String {
    format!("{id}:{number}")
}

/// What Connect says with an answer that is no success. Others, such as a proxy before it, say nothing in this form.
fn of_connect(reply: &Reply) -> Option<String> {
    #[derive(Deserialize)]
    struct Said {
        message: String,
    }
    reply.object::<Said>().map(|said| said.message)
}
