//! Lists, page by page.

use crate::call::{Call, Reply};
use crate::connect::Link;
use pawl_domain::{ClusterName, Kind};
use pawl_ports::{ClusterIdentity, Error};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

/// What kubectl asks for at a time.
const PAGE: &str = "500";
/// How often a list starts again because the server forgot the state that its pages are taken from.
const RESTARTS: u32 = 2;

/// Everything in the collection that `call` addresses, each item put through `of`.
///
/// # Errors
/// As for any call; a list is whole or an error, never a part.
pub(crate) async fn all<'a, I, T, P>(
    link: &Link<I>,
    call: impl Fn() -> Call<'a>,
    of: impl FnMut(T) -> P,
) -> Result<Vec<P>, Error>
where
    I: ClusterIdentity,
    T: DeserializeOwned,
{
    match served(link, &call, of).await? {
        Listed::All(items, _) => Ok(items),
        Listed::NotServed(refusal) => Err(refusal.into_error(&call(), link.name())),
    }
}

/// What became of a list.
pub(crate) enum Listed<P> {
    /// All items, and the resourceVersion at which they were all there is.
    All(Vec<P>, String),
    /// The server knows no such collection.
    NotServed(crate::refusal::Refusal),
}

/// The same, where the server may not know the collection.
pub(crate) async fn served<'a, I, T, P>(
    link: &Link<I>,
    call: impl Fn() -> Call<'a>,
    mut of: impl FnMut(T) -> P,
) -> Result<Listed<P>, Error>
where
    I: ClusterIdentity,
    T: DeserializeOwned,
{
    let mut items = Vec::new();
    let mut from: Option<String> = None;
    let mut restarts = 0;
    loop {
        let mut page = call().query("limit", PAGE);
        if let Some(from) = &from {
            page = page.query("continue", from);
        }
        let body = match link.send(&page).await? {
            Reply::Refused(refusal) if refusal.code == 410 && from.is_some() && restarts < RESTARTS => {
                restarts += 1;
                items.clear();
                from = None;
                continue;
            }
            Reply::Refused(refusal) if refusal.code == 404 && from.is_none() => {
                return Ok(Listed::NotServed(refusal));
            }
            // A part of a list is no list, and no sign that the rest is gone.
            Reply::Refused(refusal) if refusal.code == 404 => return Err(cut_short(&page, link.name())),
            reply => reply.or_fail(&page, link.name())?,
        };
        let found: Page<T> = body.read(&page, link.name())?;
        items.extend(found.items.into_iter().map(&mut of));
        from = Some(found.metadata.next).filter(|next| !next.is_empty());
        if from.is_none() {
            return Ok(Listed::All(items, found.metadata.resource_version));
        }
    }
}

fn cut_short(page: &Call<'_>, cluster: &ClusterName) -> Error {
    let message = format!("{}: the list ended before its last page; it is read again", page.subject(cluster));
    Error::new(page.step, Kind::Transient, message)
}

#[derive(Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
struct Page<T> {
    #[serde(default)]
    metadata: PageMetadata,
    #[serde(deserialize_with = "list_or_null")]
    items: Vec<T>,
}

/// API servers write an empty list of metadata as `null`. A list that has no items at all is no list.
fn list_or_null<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Option::<Vec<T>>::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[derive(Default, Deserialize)]
struct PageMetadata {
    #[serde(default, rename = "continue")]
    next: String,
    #[serde(default, rename = "resourceVersion")]
    resource_version: String,
}
