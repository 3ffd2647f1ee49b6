//! Google Secret Manager, by way of Pub/Sub: its own notifications, and entries of the audit log that a sink passes on.
//!
//! Both name a secret by the *number* of its project; entries of the log tell the id beside it. Manifests mostly name the id,
//! and nothing here knows which number it has: where only the number is told, the change is of a project that is not known,
//! and every store of the same region is looked at that reads a secret of this name.
//!
//! | module | reads |
//! |---|---|
//! | `notification` | the messages of the topics that a secret names |
//! | `audit` | entries of the Admin Activity log |

mod audit;
mod notification;

use crate::error::Error;
use crate::eventbridge::{checked, location};
use crate::json::object;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use pawl_domain::change::Extent;
use pawl_domain::{Change, Moved, Provider};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) use audit::read as read_entry;

/// What a push subscription sends. Source: Pub/Sub's documentation, "Push subscriptions", format of messages.
#[derive(Deserialize)]
struct Push {
    message: Message,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(default)]
    data: String,
    #[serde(default)]
    message_id: String,
    #[serde(default)]
    publish_time: Option<Timestamp>,
}

/// Reads the body that a push subscription sends.
pub(crate) fn read_push(body: &[u8]) -> Result<Vec<Change>, Error> {
    let Push { message } = object(body)?;
    if message.attributes.contains_key(notification::EVENT_TYPE) {
        return notification::read(&message);
    }
    let data = STANDARD.decode(&message.data);
    let data = data.map_err(|_| Error::malformed("its message.data is not base64"))?;
    if data.is_empty() {
        return Err(Error::unknown("its message has neither an eventType nor an entry of a log"));
    }
    audit::read(&data)
}

/// A secret's name, taken apart: `projects/<project>[/locations/<location>]/secrets/<id>[/versions/<version>]`.
struct Named<'a> {
    /// The id of the project; nothing where the name has its number.
    project: Option<&'a str>,
    region: &'a str,
    id: &'a str,
    version: Option<&'a str>,
}

impl<'a> Named<'a> {
    fn of(name: &'a str) -> Result<Self, Error> {
        let parts: Vec<&str> = name.split('/').collect();
        let (project, region, id, below) = match parts[..] {
            ["projects", project, "secrets", id, ref below @ ..] => (project, "", id, below),
            ["projects", project, "locations", region, "secrets", id, ref below @ ..] => {
                (project, region, id, below)
            }
            _ => return Err(Error::malformed("it names no secret")),
        };
        let version = match below {
            [] => None,
            ["versions", version] => Some(*version),
            _ => return Err(Error::malformed("it names no secret")),
        };
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let version = version.filter(|version| is_number(version));
        Ok(Self { project: Some(project).filter(|project| !is_number(project)), region, id, version })
    }

    /// A change of this secret.
    fn change(&self, id: &str, at: Timestamp, moved: Moved) -> Result<Change, Error> {
        // Another version comes into force only by being added, and then it is the one that is named.
        let version = self.version.filter(|_| moved == Moved::Current).map(str::to_owned);
        Ok(Change {
            id: id.to_owned(),
            location: location(Provider::GcpSecretManager, Some(self.region), self.project)?,
            names: checked(BTreeSet::from([self.id.to_owned()]))?,
            extent: Extent::Key,
            version,
            moved,
            at,
        })
    }
}

/// What may have moved by an update of a secret: labels and annotations, or the version that an alias names.
const UPDATED: [Moved; 2] = [Moved::Metadata, Moved::SomeLabel];
