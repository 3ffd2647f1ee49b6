//! The calls of Conjur's REST API, and what its answers mean. Source: the code of Conjur, version 1.

use super::Conjur;
use crate::kit::{Ask, Asked, Pages, Refusals};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pawl_domain::SecretValue;
use pawl_ports::Error;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderValue};
use serde::Deserialize;
use std::collections::BTreeMap;

/// One store, asked with a proven identity.
pub(super) type Api<'a> = Asked<'a, Conjur>;

/// A variable, without its value.
#[derive(Deserialize)]
pub(super) struct Variable {
    id: String,
    #[serde(default)]
    annotations: Vec<Annotation>,
    /// The versions that are kept.
    secrets: Vec<Secret>,
}

#[derive(Deserialize)]
struct Annotation {
    name: String,
    value: String,
}

#[derive(Deserialize)]
struct Secret {
    version: u64,
}

const REFUSALS: Refusals = Refusals {
    token: "the token was refused; check auth, and the clock of the server",
    rights: "access denied; give the identity the privileges read and execute on it",
    unseen: UNSEEN,
    absent: |_| false,
    passing: None,
};
/// What 404 means.
pub(super) const UNSEEN: &str = "it does not exist, has no value, or the identity may not see it, and Conjur does not say \
                                 which; check the key and what the identity may read";
/// What one page holds. Source: ESO's provider.
const PER_PAGE: usize = 100;
const MOST_PAGES: usize = 1000;
/// The longest list of ids in an address, with its percent signs: servers before Conjur take some 8,000 bytes.
const LONGEST_LIST: usize = 6000;

impl Api<'_> {
    /// A variable, by its id.
    pub(super) async fn variable(&self, id: &str) -> Result<Variable, Error> {
        let call = self.call("resource", id);
        let ask = Ask::get(&["resources", &self.spec.account, "variable", id], &[]);
        self.session.taken(&call, &ask, &REFUSALS).await?.object().ok_or_else(|| call.unreadable())
    }

    /// All variables that the identity sees.
    pub(super) async fn variables(&self) -> Result<Vec<Variable>, Error> {
        let call = self.call("resources", "variables");
        let (mut pages, mut found) = (Pages::from(call, "0", MOST_PAGES), Vec::new());
        while let Some(offset) = pages.take() {
            let query = [("kind", "variable"), ("limit", "100"), ("offset", offset.as_str())];
            let ask = Ask::get(&["resources", &self.spec.account], &query);
            let reply = self.session.taken(&call, &ask, &REFUSALS).await?;
            let page: Vec<Variable> = reply.list().ok_or_else(|| call.unreadable())?;
            let is_full = page.len() >= PER_PAGE;
            found.extend(page);
            pages.then(is_full.then(|| found.len().to_string()))?;
        }
        Ok(found)
    }

    /// One version of a variable's value.
    pub(super) async fn value(&self, id: &str, version: &str) -> Result<SecretValue, Error> {
        let query = [("version", version)];
        let ask = Ask::get(&["secrets", &self.spec.account, "variable", id], &query);
        let mut reply = self.session.taken(&self.call("secret", id), &ask, &REFUSALS).await?;
        Ok(SecretValue::new(std::mem::take(&mut *reply.body)))
    }

    /// The latest values of these variables, in as few calls as the length of their ids allows. The ids hold no comma.
    pub(super) async fn batch(&self, ids: &[&str]) -> Result<BTreeMap<String, SecretValue>, Error> {
        let (mut found, mut rest) = (BTreeMap::new(), ids);
        while !rest.is_empty() {
            let mut length = 0;
            let fits = rest.iter().take_while(|id| {
                length += (self.spec.account.len() + "%3Avariable%3A%2C".len() + id.len()) * 3;
                length <= LONGEST_LIST
            });
            let (some, others) = rest.split_at(fits.count().max(1));
            found.extend(self.some(some).await?);
            rest = others;
        }
        Ok(found)
    }

    async fn some(&self, ids: &[&str]) -> Result<BTreeMap<String, SecretValue>, Error> {
        let subject = format!("{} variables, {} among them", ids.len(), ids.first().unwrap_or(&"none"));
        let call = self.call("secrets", &subject);
        let full =
            ids.iter().map(|id| format!("{}:variable:{id}", self.spec.account)).collect::<Vec<_>>().join(",");
        let query = [("variable_ids", full.as_str())];
        let mut ask = Ask::get(&["secrets"], &query);
        // Without it a value that is no text fails all.
        ask.headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("base64"));
        let reply = self.session.taken(&call, &ask, &REFUSALS).await?;
        let all: BTreeMap<String, String> = reply.object().ok_or_else(|| call.unreadable())?;
        let is_packed = reply.headers.get(CONTENT_ENCODING).is_some_and(|value| value == "base64");
        let value = |text: String| match SecretValue::new(text) {
            text if is_packed => unpacked(&text).ok_or_else(|| call.unreadable()),
            text => Ok(text),
        };
        all.into_iter().map(|(id, text)| Ok((short(&id).to_owned(), value(text)?))).collect()
    }
}

impl Variable {
    /// The id, without account and kind.
    pub(super) fn id(&self) -> &str {
        short(&self.id)
    }

    /// The latest version; `None` where it has no value.
    pub(super) fn version(&self) -> Option<u64> {
        self.secrets.iter().map(|secret| secret.version).max()
    }

    /// Whether this version is kept.
    pub(super) fn has(&self, version: &str) -> bool {
        self.secrets.iter().any(|secret| secret.version.to_string() == version)
    }

    /// The annotations.
    pub(super) fn annotations(&self) -> BTreeMap<String, String> {
        self.annotations.iter().map(|each| (each.name.clone(), each.value.clone())).collect()
    }
}

fn short(id: &str) -> &str {
    id.splitn(3, ':').last().unwrap_or_default()
}

/// Conjur breaks base64 into lines.
fn unpacked(text: &SecretValue) -> Option<SecretValue> {
    let bare: Vec<u8> = text.expose().iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD.decode(SecretValue::new(bare).expose()).ok().map(SecretValue::new)
}
