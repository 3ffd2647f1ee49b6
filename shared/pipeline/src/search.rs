//! Searches: each once per identity and delivery, and with the changed key in the change's version at least.
//!
//! A search is two things to a store: a listing, which may lag behind by minutes, and the values of what was listed,
//! which are as new as those of single keys. So the changed key is looked for in the answer and read by its name
//! where the answer does not hold it yet.

use crate::error::Error;
use crate::pipeline::Pipeline;
use crate::ports::{Part, Ports, Sources, Wanted};
use pawl_domain::{Access, Change, Fetched, Find, Kind, Provider, Step, VersionSelector};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a search found, by name.
pub(crate) type Finds = BTreeMap<String, Arc<Fetched>>;

impl<P: Ports> Pipeline<P> {
    /// Everything that a search finds; at least as new as `change`, if that concerns it.
    pub(crate) async fn search(
        &self,
        access: &Access,
        find: &Find,
        change: Option<&Change>,
    ) -> Result<Finds, Error> {
        let mut found = self.ports.sources().find(access, find).await?;
        if let Some(change) = change {
            self.bring_up_to(change, access, find, &mut found).await?;
        }
        Ok(found.into_iter().map(|(name, fetched)| (name, Arc::new(fetched))).collect())
    }

    async fn bring_up_to(
        &self,
        change: &Change,
        access: &Access,
        find: &Find,
        found: &mut BTreeMap<String, Fetched>,
    ) -> Result<(), Error> {
        let listed: Vec<String> =
            access.backend.named_by(change, found.keys()).into_iter().cloned().collect();
        for name in &listed {
            let Some(fetched) = found.remove(name) else { continue };
            let want = current(access.backend.found_key(name));
            match self.at_least(change, access, &want, Ok(fetched)).await {
                Ok(fetched) => drop(found.insert(name.clone(), fetched)),
                // It went while it was asked for again.
                Err(error) if error.kind == Kind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        if listed.is_empty() {
            for name in unlisted(change, access, find)? {
                let want = current(access.backend.found_key(name));
                let answer = self.fetch_one(access, &want).await;
                match self.at_least(change, access, &want, answer).await {
                    Ok(fetched) => drop(found.insert(name.clone(), fetched)),
                    // It came and went, or the search passes over it.
                    Err(error) if matches!(error.kind, Kind::NotFound | Kind::Denied) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }
}

fn current(key: String) -> Wanted {
    Wanted { key, selector: VersionSelector::Current, part: Part::Value }
}

/// The changed key's plain names that the search must find, although the store did not list them. Only where lists
/// lag, and only by criteria that a name decides: which keys have a tag now is the store's to say, and the next sweep's
/// to see.
fn unlisted<'a>(change: &'a Change, access: &Access, find: &Find) -> Result<Vec<&'a String>, Error> {
    if access.backend.location().provider != Provider::SecretsManager || !find.tags.is_empty() {
        return Ok(Vec::new());
    }
    let pattern =
        find.pattern().map_err(|error| Error::new(Step::Fetch, Kind::Invalid, error.to_string()))?;
    let below = find.path.as_deref().unwrap_or_default();
    let plain = change.names.iter().filter(|name| !name.starts_with("arn:"));
    Ok(plain.filter(|name| name.starts_with(below) && pattern.is_match(name)).collect())
}
