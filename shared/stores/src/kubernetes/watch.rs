//! Watches of objects of one kind, by their metadata. Source: Kubernetes' API concepts, "efficient detection of changes".
//!
//! A watch begins behind the newest version that there is, goes on behind the last one that it saw, and begins anew where the
//! server has forgotten that one. What stood there before is for the sweep to look at, so nothing is listed here.

use super::api::{Api, Collection, Metadata};
use crate::kit::{Lines, Opened, Over};
use jiff::Timestamp;
use pawl_domain::change::Extent;
use pawl_domain::{Access, Change, Kind, Location, Moved};
use pawl_ports::{Error, StoreSighting};
use reqwest::StatusCode;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::mpsc::Sender;

/// How long one watch is asked to last, in seconds. Who asks proves its identity anew after that.
const LASTING: &str = "290";
/// When it is given up at the latest.
const LONGEST: Duration = Duration::from_secs(320);
/// How long a watch may be silent. API servers send a bookmark each minute; a connection that a firewall dropped sends none.
const PATIENCE: Duration = Duration::from_secs(150);
/// The longest line that is read. Annotations have 256 KiB together, and what is noted of fields takes about as much.
const LONGEST_LINE: usize = 512 * 1024;

/// A watch that the server has begun.
pub(crate) struct Watch {
    api: Api,
    lines: Lines,
    from: String,
    /// What happened before is not told.
    begins_anew: bool,
}

/// A change of an object, as a watch tells of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Seen {
    Came,
    Changed,
    Went,
}

/// How changes of one store's objects are told.
pub(crate) struct Teller<'a> {
    pub(crate) access: &'a Access,
    pub(crate) now: &'a (dyn Fn() -> Timestamp + Sync),
    /// The key of an object.
    pub(crate) key: &'a (dyn Fn(&Api, &Metadata) -> String + Sync),
    /// Whether a key and a version are of one object: two kinds may have objects of the same name.
    pub(crate) tells_versions: bool,
}

/// One line.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    what: String,
    object: Told,
}

#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    metadata: Metadata,
    /// Of an error.
    #[serde(default)]
    code: u16,
}

impl Api {
    /// Begins a watch behind this version; where there is none, behind the newest. `None` where the server has forgotten it.
    ///
    /// # Errors
    /// `Denied` when the identity may not list or watch.
    pub(crate) async fn watch(
        self,
        at: Collection<'_>,
        from: Option<String>,
    ) -> Result<Option<Watch>, Error> {
        let begins_anew = from.is_none();
        let from = match from {
            Some(from) => from,
            None => self.newest(at).await?,
        };
        let query = vec![
            ("watch", "1"),
            ("allowWatchBookmarks", "true"),
            ("timeoutSeconds", LASTING),
            ("resourceVersion", from.as_str()),
        ];
        let subject = at.shown("");
        let call = self.call("watch", &subject);
        let opened = async {
            match self
                .session
                .link
                .lines(&call, self.asking(&call, at, query, LONGEST_LINE)?, LONGEST)
                .await?
            {
                Opened::Lines(lines) => Ok(Some(lines)),
                Opened::Reply(reply) if reply.status == StatusCode::GONE => Ok(None),
                Opened::Reply(reply) => Err(self.refusal(&call, &reply, "watch", at)),
            }
        };
        let lines = call.counted(opened.await)?;
        Ok(lines.map(|lines| Watch { api: self, lines, from, begins_anew }))
    }
}

impl Watch {
    /// Tells what changes until the watch ends or nobody listens any more, and keeps in `place` up to where all was told.
    ///
    /// # Errors
    /// `Transient` when it broke off, or cannot be read.
    pub(crate) async fn follow(
        mut self,
        teller: &Teller<'_>,
        place: &mut Option<String>,
        told: &Sender<StoreSighting>,
    ) -> Result<(), Error> {
        *place = Some(std::mem::take(&mut self.from));
        if told.send(StoreSighting::Begun { anew: self.begins_anew }).await.is_err() {
            return Ok(());
        }
        let broken = |what| self.api.call("watch", "the watch").error(Kind::Transient, what);
        loop {
            let next = tokio::select! {
                next = self.lines.next(PATIENCE) => next,
                () = told.closed() => return Ok(()),
            };
            let line = match next {
                Ok(line) => line,
                // A silent one is asked for again at once: nothing says that the server is in trouble.
                Err(Over::Ended | Over::Silent) => return Ok(()),
                // It would come again and again.
                Err(Over::TooLong) => {
                    *place = None;
                    return Ok(());
                }
                Err(Over::Broken) => return Err(broken("it broke off")),
            };
            let Ok(Line { what, object: Told { metadata, code } }) = serde_json::from_slice(&line) else {
                return Err(broken("a line of it is not in the known form"));
            };
            let seen = match what.as_str() {
                "ADDED" => Some(Seen::Came),
                "MODIFIED" => Some(Seen::Changed),
                "DELETED" => Some(Seen::Went),
                "ERROR" if code == StatusCode::GONE.as_u16() => {
                    *place = None;
                    return Ok(());
                }
                "ERROR" => return Err(broken("the server ended it with an error")),
                _ => None,
            };
            if let Some(seen) = seen {
                if !metadata.is_of_an_object() {
                    return Err(broken("a line of it is not in the known form"));
                }
                let change = teller.change(&self.api, seen, &metadata);
                if told.send(StoreSighting::Changed(change)).await.is_err() {
                    return Ok(());
                }
            }
            // Only now: what was not told must be told again.
            if !metadata.resource_version.is_empty() {
                *place = Some(metadata.resource_version);
            }
        }
    }
}

impl Teller<'_> {
    fn change(&self, api: &Api, seen: Seen, metadata: &Metadata) -> Change {
        let version = metadata.version();
        Change {
            id: format!("watch/{version}"),
            location: Location { account: Some(api.session.address()), ..self.access.backend.location() },
            names: BTreeSet::from([(self.key)(api, metadata)]),
            extent: Extent::Key,
            version: (self.tells_versions && seen != Seen::Went).then_some(version),
            moved: if seen == Seen::Changed { Moved::Current } else { Moved::Existence },
            at: (self.now)(),
        }
    }
}
