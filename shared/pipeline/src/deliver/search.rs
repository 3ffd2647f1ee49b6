//! Runs each search once per identity and delivery. The changed key is included in the change's version, if the
//! store shows it.
//!
//! A search has two parts: a listing, which may lag by minutes, and the values of the listed keys, which are as new
//! as those of single reads. So Pawl looks for the changed key in the answer, and reads it by name if the answer
//! does not have it yet.

use crate::base::panicked::panicked;
use crate::deliver::catch::Searched;
use crate::deliver::plan::{Asked, Sought};
use crate::parts::Deliver;
use futures::FutureExt;
use pawl_domain::{Change, Fetched, Find, Kind, Step, VersionSelector};
use pawl_ports::{Error, Part, Ports, Sources, Wanted};
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

impl<P: Ports> Deliver<P> {
    /// Everything that a search finds; with the version of the change that is sought, as far as the store shows it.
    pub(crate) async fn search(&self, asked: &Asked, sought: Option<&Sought>) -> Searched {
        let searching = AssertUnwindSafe(self.search_up_to(asked, sought)).catch_unwind().await;
        // What the panic says may hold a value.
        match searching.unwrap_or_else(|_| Err(panicked(Step::Fetch))) {
            Ok((found, reached)) => {
                let behind = sought.filter(|_| !reached).map(|sought| Arc::clone(&sought.change));
                let found = found.into_iter().map(|(name, fetched)| (name, Arc::new(fetched)));
                Searched { result: Ok(found.collect()), behind }
            }
            Err(error) => Searched { result: Err(error), behind: None },
        }
    }

    async fn search_up_to(
        &self,
        asked: &Asked,
        sought: Option<&Sought>,
    ) -> Result<(BTreeMap<String, Fetched>, bool), Error> {
        let (access, find, keep) = asked;
        let mut found =
            self.base.at_store(access, self.base.ports.sources().find(access, find, keep)).await?;
        let reached = match sought {
            Some(sought) => self.bring_up_to(sought, asked, &mut found).await?,
            None => true,
        };
        Ok((found, reached))
    }

    /// Reads the changed key by its name where the search does not show its new version. `false` if that does not
    /// either.
    async fn bring_up_to(
        &self,
        sought: &Sought,
        (access, find, keep): &Asked,
        found: &mut BTreeMap<String, Fetched>,
    ) -> Result<bool, Error> {
        let mut all_reached = true;
        let listed: Vec<String> =
            access.backend.named_by(&sought.change, found.keys()).into_iter().cloned().collect();
        for name in &listed {
            let Some(fetched) = found.remove(name) else { continue };
            let want = current(access.backend.found_key(name));
            let (answer, reached) = self.at_least(sought, access, &want, Ok(fetched)).await;
            all_reached &= reached;
            match answer {
                Ok(fetched) => drop(found.insert(name.clone(), fetched)),
                // It went while it was asked for again.
                Err(error) if error.kind == Kind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        if listed.is_empty() && access.backend.capabilities().searches_lag {
            for name in unlisted(&sought.change, find)?.into_iter().filter(|name| keep.allows(name)) {
                let want = current(access.backend.found_key(name));
                let answer = self.base.fetch_one(access, &want).await;
                let (answer, reached) = self.at_least(sought, access, &want, answer).await;
                all_reached &= reached;
                match answer {
                    Ok(fetched) => drop(found.insert(name.clone(), fetched)),
                    // It came and went, or the search passes over it.
                    Err(error) if matches!(error.kind, Kind::NotFound | Kind::Denied) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(all_reached)
    }
}

fn current(key: String) -> Wanted {
    Wanted { key, selector: VersionSelector::Current, part: Part::Value }
}

/// The changed key's plain names that the search must find, although the store did not list them. Only by criteria that a
/// name decides: which keys have a tag now is the store's to say, and the next sweep's to see.
fn unlisted<'a>(change: &'a Change, find: &Find) -> Result<Vec<&'a String>, Error> {
    if !find.tags.is_empty() {
        return Ok(Vec::new());
    }
    let pattern =
        find.pattern().map_err(|error| Error::new(Step::Fetch, Kind::Invalid, error.to_string()))?;
    let below = find.path.as_deref().unwrap_or_default();
    let plain = change.names.iter().filter(|name| !name.starts_with("arn:"));
    Ok(plain.filter(|name| name.starts_with(below) && pattern.is_match(name)).collect())
}
