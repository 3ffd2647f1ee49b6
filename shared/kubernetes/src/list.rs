//! Lists, page by page.

use crate::call::{Call, Reply};
use crate::connect::Link;
use pawl_pipeline::Error;
use pawl_pipeline::ports::ClusterIdentity;
use serde::Deserialize;
use serde::de::DeserializeOwned;

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
        Listed::All(items) => Ok(items),
        Listed::NotServed(refusal) => Err(refusal.into_error(&call(), link.name())),
    }
}

/// What became of a list.
pub(crate) enum Listed<P> {
    /// All items.
    All(Vec<P>),
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
            // A collection of which a page was served is there: what follows is not known then.
            Reply::Refused(refusal) if refusal.code == 404 && from.is_none() => {
                return Ok(Listed::NotServed(refusal));
            }
            reply => reply.or_fail(&page, link.name())?,
        };
        let found: Page<T> = body.read(&page, link.name())?;
        items.extend(found.items.into_iter().map(&mut of));
        from = Some(found.metadata.next).filter(|next| !next.is_empty());
        if from.is_none() {
            return Ok(Listed::All(items));
        }
    }
}

#[derive(Deserialize)]
struct Page<T> {
    #[serde(default)]
    metadata: PageMetadata,
    items: Vec<T>,
}

#[derive(Default, Deserialize)]
struct PageMetadata {
    #[serde(default, rename = "continue")]
    next: String,
}
