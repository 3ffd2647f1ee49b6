//! Webhooks of Doppler: which secrets of a config came, went or have another value. Source: "Webhooks" of Doppler's
//! documentation.
//!
//! A change is of the project: branch configs take over what the root config of their environment has, and no webhook says so.
//! What a custom payload holds, its author alone knows; one that has no `config` is of no known sender.

use crate::error::Error;
use crate::eventbridge::{checked, location};
use crate::json::object;
use jiff::Timestamp;
use pawl_domain::change::Extent;
use pawl_domain::{Change, Moved, Provider};
use serde::Deserialize;
use std::collections::BTreeSet;

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    config: Config,
    #[serde(default)]
    diff: Option<Diff>,
}

#[derive(Deserialize)]
struct Config {
    name: String,
    project: String,
}

#[derive(Deserialize)]
struct Diff {
    #[serde(default)]
    added: Vec<String>,
    #[serde(default)]
    removed: Vec<String>,
    #[serde(default)]
    updated: Vec<String>,
}

const UPDATED: &str = "config.secrets.update";

pub(crate) fn read(body: &[u8]) -> Result<Vec<Change>, Error> {
    let event: Event = object(body)?;
    if event.kind != UPDATED {
        return match event.kind.starts_with("config.") {
            true => Ok(Vec::new()),
            false => Err(Error::unknown("its type is not one of Doppler's that Pawl knows")),
        };
    }
    let Config { name: config, project } = event.config;
    let location = location(Provider::Doppler, None, Some(&project))?;
    let change = |name: String, moved| {
        let (id, location, names) = (format!("{project}/{config}"), location.clone(), BTreeSet::from([name]));
        let (extent, names, at) = (Extent::Key, checked(names)?, Timestamp::UNIX_EPOCH);
        Ok(Change { id, location, names, extent, version: None, moved, at })
    };
    let Some(Diff { added, removed, updated }) = event.diff else {
        return Err(Error::malformed("it has no diff; leave the webhook's payload as it is"));
    };
    let came_or_went = added.into_iter().chain(removed).map(|name| change(name, Moved::Existence));
    came_or_went.chain(updated.into_iter().map(|name| change(name, Moved::Current))).collect()
}
