//! The event that AWS services send to EventBridge, and the change that it becomes.

use crate::error::Error;
use crate::json::object;
use jiff::Timestamp;
use pawl_domain::change::Extent;
use pawl_domain::provider::{Arn, Place};
use pawl_domain::store::is_region;
use pawl_domain::{Change, Location, Moved, Provider};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeSet;

/// The longest name that any store has: an ARN of Parameter Store has up to 2,048 characters.
pub(crate) const MAX_NAME: usize = 2048;

/// The longest address of a server: a DNS name has up to 253 characters.
const MAX_ADDRESS: usize = 300;
/// The longest id of a project: a domain name, a colon and 30 letters.
const MAX_PROJECT: usize = 300;

/// An EventBridge event, its detail unread. Senders differ in which of the other fields they fill.
#[derive(Deserialize)]
pub(crate) struct EventBridge<'a> {
    #[serde(default)]
    pub(crate) id: String,
    #[serde(rename = "detail-type")]
    pub(crate) detail_type: String,
    #[serde(default)]
    pub(crate) source: String,
    account: Option<String>,
    region: Option<String>,
    time: Option<String>,
    #[serde(default)]
    resources: Vec<String>,
    #[serde(borrow)]
    detail: &'a RawValue,
}

impl<'a> EventBridge<'a> {
    /// The detail as its sender writes it.
    pub(crate) fn detail<T: Deserialize<'a>>(&self) -> Result<T, Error> {
        object(self.detail_json())
    }

    pub(crate) fn detail_json(&self) -> &'a [u8] {
        self.detail.get().as_bytes()
    }

    /// The event's own time. Long ago where it has none, so that nothing counts as older than the event.
    pub(crate) fn at(&self) -> Timestamp {
        self.time.as_deref().and_then(|time| time.parse().ok()).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// A change of the key that these names and the event's own resources name.
    ///
    /// An ARN says whose the key is; the event's account is its bus's, and that of the caller where somebody changes
    /// a secret of another account.
    pub(crate) fn change(
        &self,
        provider: Provider,
        names: impl IntoIterator<Item = String>,
        version: Option<String>,
        moved: Moved,
    ) -> Result<Change, Error> {
        let service = provider.profile().arn_service;
        let own = |text: &&String| Arn::parse(text).is_some_and(|arn| Some(arn.service) == service);
        let names: BTreeSet<String> =
            names.into_iter().chain(self.resources.iter().filter(own).cloned()).collect();
        let arn = names.iter().find(own).and_then(|text| Arn::parse(text));
        let region = self.region.as_deref().or(arn.map(|arn| arn.region));
        let account = arn.map(|arn| arn.account).or(self.account.as_deref());
        Ok(Change {
            id: self.id.clone(),
            location: location(provider, region, account)?,
            version: version.filter(|version| !version.is_empty()),
            moved,
            at: self.at(),
            names: checked(names)?,
            extent: Extent::Key,
        })
    }
}

/// A location whose parts are what they claim to be: they come from outside and become part of index keys.
pub(crate) fn location(
    provider: Provider,
    region: Option<&str>,
    account: Option<&str>,
) -> Result<Location, Error> {
    match provider.profile().place {
        Place::Region => {}
        Place::Project => return in_project(provider, region, account),
        Place::Server | Place::Manifest => return elsewhere(provider, region, account),
    }
    let region = region.ok_or_else(|| Error::malformed("it has neither a region nor an ARN"))?;
    if !is_region(region) {
        return Err(Error::malformed("its region is not one"));
    }
    if account.is_some_and(|account| account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit())) {
        return Err(Error::malformed("its account is not of twelve digits"));
    }
    Ok(Location { provider, region: region.to_owned(), account: account.map(str::to_owned) })
}

/// A location in a project of a cloud, or in one region of it.
fn in_project(provider: Provider, region: Option<&str>, project: Option<&str>) -> Result<Location, Error> {
    let region = region.unwrap_or_default();
    if !(region.is_empty() || is_region(region)) {
        return Err(Error::malformed("its region is not one"));
    }
    // Ids of old projects begin with a domain and a colon.
    let known = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._:".contains(&b);
    if project.is_some_and(|id| !(1..=MAX_PROJECT).contains(&id.len()) || !id.bytes().all(known)) {
        return Err(Error::malformed("its account is not the id of a project"));
    }
    Ok(Location { provider, region: region.to_owned(), account: project.map(str::to_owned) })
}

/// A location outside of AWS: no region, and perhaps the address of the server.
fn elsewhere(provider: Provider, region: Option<&str>, address: Option<&str>) -> Result<Location, Error> {
    if region.is_some_and(|region| !region.is_empty()) {
        return Err(Error::malformed("its provider has no regions"));
    }
    let plain = |b: u8| b.is_ascii_graphic() && !b.is_ascii_uppercase();
    if address
        .is_some_and(|address| !(1..=MAX_ADDRESS).contains(&address.len()) || !address.bytes().all(plain))
    {
        return Err(Error::malformed("its account is not the address of a server in lower case"));
    }
    Ok(Location { provider, region: String::new(), account: address.map(str::to_owned) })
}

/// The names, if there is one and each can be the name of a key.
pub(crate) fn checked(names: BTreeSet<String>) -> Result<BTreeSet<String>, Error> {
    if names.is_empty() {
        return Err(Error::malformed("nothing in it names the key that changed"));
    }
    if names.iter().any(|name| name.is_empty() || name.len() > MAX_NAME) {
        return Err(Error::malformed(format!("a name of the key has not 1 to {MAX_NAME} bytes")));
    }
    Ok(names)
}
