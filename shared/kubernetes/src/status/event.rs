//! Writes Events about ExternalSecrets and stores, one request each.

use super::ready::DELETED;
use super::time;
use crate::call::{Call, EVENTS, Reply, Verb, sealed};
use crate::connect::Link;
use jiff::Timestamp;
use pawl_domain::Step;
use pawl_domain::hash::of_text;
use pawl_domain::reconcile::Deed;
use pawl_ports::{ClusterIdentity, Error, Status};
use serde_json::{Value, json};

const MERGE_PATCH: &str = "application/merge-patch+json";
/// The component that Events name.
pub(crate) const COMPONENT: &str = "pawl";
/// The longest message of an Event (Kubernetes' validation of `note`).
const LONGEST_MESSAGE: usize = 1024;

/// What an Event says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Note {
    pub(crate) kind: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    /// How often it was said in a row.
    pub(crate) count: u32,
}

impl Note {
    pub(crate) fn normal(reason: &'static str, message: &str) -> Self {
        Self { kind: "Normal", reason, message: message.to_owned(), count: 1 }
    }

    pub(crate) fn warning(reason: &'static str, message: &str) -> Self {
        Self { kind: "Warning", reason, message: shortened(message), count: 1 }
    }

    /// What is told of a sync: what was done to targets, or why it failed.
    pub(super) fn of(status: &Status) -> Vec<Self> {
        let retired = || Self::normal("Deleted", "secret deleted because it was orphaned");
        let mut notes: Vec<Self> = status.retired.then(retired).into_iter().collect();
        match &status.result {
            Err(failure) => {
                let warning = Self::warning("UpdateFailed", &failure.message);
                notes.push(Self { count: failure.attempts.max(1), ..warning });
            }
            Ok(_) => notes.extend(Self::of_deed(status)),
        }
        notes
    }

    fn of_deed(status: &Status) -> Option<Self> {
        let (reason, message) = match status.deed {
            Deed::Nothing => return None,
            Deed::Created => ("Created", "secret created"),
            Deed::Updated => ("Updated", "secret updated"),
            Deed::Deleted => ("Deleted", DELETED),
        };
        let Some(kind) = &status.kind else { return Some(Self::normal(reason, message)) };
        Some(Self::normal(reason, format!("{reason} {kind} {}", status.target).trim_end()))
    }

    /// A failure that comes again is the same Event, seen again; everything else happens once.
    fn comes_again(&self) -> bool {
        self.kind == "Warning"
    }

    /// The Event's name: of each thing that happens its own, of what comes again the same.
    fn event_name(&self, name: &str, at: Timestamp) -> String {
        const LONGEST: usize = 253;
        let moment = if self.comes_again() { String::new() } else { at.as_nanosecond().to_string() };
        let digest = of_text(&format!("{} {} {moment}", self.reason, self.message));
        let suffix = digest.get(..16).unwrap_or(&digest);
        let name = name.get(..name.len().min(LONGEST - suffix.len() - 1)).unwrap_or(name);
        format!("{}.{suffix}", name.trim_end_matches(['.', '-']))
    }
}

/// The object that an Event is about.
pub(crate) struct About<'a> {
    pub(crate) api_version: &'a str,
    pub(crate) kind: &'a str,
    /// `None` of an object that lives in no namespace; its Events stand in `default`.
    pub(crate) namespace: Option<&'a str>,
    pub(crate) name: &'a str,
    pub(crate) uid: &'a str,
    pub(crate) resource_version: &'a str,
}

/// Writes an Event; `again` where the same was told before, as far as is known.
pub(crate) async fn record<I: ClusterIdentity>(
    link: &Link<I>,
    about: &About<'_>,
    note: &Note,
    at: Timestamp,
    again: bool,
) -> Result<(), Error> {
    let name = note.event_name(about.name, at);
    let namespace = about.namespace.unwrap_or("default");
    if again && note.comes_again() && seen_again(link, namespace, &name, note, at).await? {
        return Ok(());
    }
    let event = event(about, namespace, &name, note, at);
    let call = Call::new(Step::Record, Verb::Create, &EVENTS)
        .namespace(namespace)
        .metadata_only()
        .body("application/json", sealed(&event, 2048));
    match link.send(&call).await? {
        Reply::Refused(refusal) if refusal.code == 409 => {
            if note.comes_again() {
                seen_again(link, namespace, &name, note, at).await?;
            }
            Ok(())
        }
        // A namespace that goes takes no Events any more.
        reply => reply.or_missing(&call, link.name()).map(drop),
    }
}

fn event(about: &About<'_>, namespace: &str, name: &str, note: &Note, at: Timestamp) -> Value {
    let at = time(at);
    let mut involved = json!({ "apiVersion": about.api_version, "kind": about.kind, "name": about.name });
    for (field, text) in [
        ("namespace", about.namespace.unwrap_or_default()),
        ("uid", about.uid),
        ("resourceVersion", about.resource_version),
    ] {
        if !text.is_empty() {
            involved[field] = text.into();
        }
    }
    json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": { "name": name, "namespace": namespace },
        "involvedObject": involved,
        "type": note.kind,
        "reason": note.reason,
        "message": note.message,
        "source": { "component": COMPONENT },
        "reportingComponent": COMPONENT,
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": note.count,
    })
}

/// Says of an Event that it was seen again. `false` if there is none any more: Events last an hour.
async fn seen_again<I: ClusterIdentity>(
    link: &Link<I>,
    namespace: &str,
    name: &str,
    note: &Note,
    at: Timestamp,
) -> Result<bool, Error> {
    let again = json!({ "lastTimestamp": time(at), "count": note.count });
    let call = Call::new(Step::Record, Verb::Patch, &EVENTS)
        .namespace(namespace)
        .name(name)
        .metadata_only()
        .body(MERGE_PATCH, sealed(&again, 128));
    Ok(link.send(&call).await?.or_missing(&call, link.name())?.is_some())
}

fn shortened(text: &str) -> String {
    let end = text.char_indices().map(|(index, letter)| index + letter.len_utf8());
    let end = end.take_while(|end| *end <= LONGEST_MESSAGE).last().unwrap_or(0);
    text.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn failures_that_come_again_are_one_event_and_each_change_is_its_own() {
        let (failed, other) = (Note::warning("UpdateFailed", "a"), Note::warning("UpdateFailed", "b"));
        assert_eq!(failed.event_name("db", at(1)), failed.event_name("db", at(2)));
        assert_ne!(failed.event_name("db", at(1)), other.event_name("db", at(1)));
        let updated = Note::normal("Updated", "secret updated");
        assert_eq!(updated.event_name("db", at(1)), updated.event_name("db", at(1)));
        assert_ne!(updated.event_name("db", at(1)), updated.event_name("db", at(2)));
        let long = failed.event_name(&format!("{}-{}", "a".repeat(235), "b".repeat(17)), at(1));
        assert!(long.parse::<pawl_domain::ObjectName>().is_ok() && long.len() <= 253, "{long}");
    }

    #[test]
    fn messages_end_where_events_end_them() {
        let note = Note::warning("UpdateFailed", &"é".repeat(2000));
        assert!(note.message.len() <= LONGEST_MESSAGE && note.message.ends_with('é'));
    }
}
