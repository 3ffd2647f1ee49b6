mod key;

use super::FakeClock;
use crate::build::ACCOUNT;
use crate::door::{Door, lock};
use crate::fault::Point;
use jiff::Timestamp;
use key::Key;
use pawl_domain::provider::Changes;
use pawl_domain::{
    Access, Change, Fetched, Find, Keep, Kind, Location, Moved, Provider, SecretValue, Step, Version,
    VersionSelector,
};
use pawl_ports::{Clock, Error, Listing, Part, Sources, Wanted};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// The most secrets of one page of a listing.
const PAGE: usize = 100;

/// Stores in memory: keys with versions and labels, as Secrets Manager and Parameter Store keep them.
#[derive(Clone, Debug, Default)]
pub struct FakeSources {
    pub(crate) door: Door,
    pub(crate) clock: FakeClock,
    keys: Arc<Mutex<Vec<Key>>>,
    watched: Arc<Mutex<Vec<Provider>>>,
}

impl FakeSources {
    /// Stores of this provider can be watched from now on. Nothing is told: that is for those who watch.
    pub fn let_watch(&self, provider: Provider) {
        lock(&self.watched).push(provider);
    }

    /// A new version of a key, which comes into being if it is not there: `v1`, `v2`... in Secrets Manager, `1`,
    /// `2`... in Parameter Store. Returns the change that a complete event would become.
    pub fn rotate(&self, location: &Location, name: &str, value: impl Into<Vec<u8>>) -> Change {
        let now = self.clock.now();
        let mut keys = lock(&self.keys);
        let key = match keys.iter().position(|key| key.location == *location && key.name == name) {
            Some(index) => &mut keys[index],
            None => {
                keys.push(Key::new(location, name, now));
                keys.last_mut().expect("it was pushed")
            }
        };
        key.push(SecretValue::new(value), now);
        key.change(Moved::Current, key.versions.last(), now)
    }

    /// Moves a label to a version of a key. No listing of Parameter Store tells of it.
    pub fn label(&self, location: &Location, name: &str, version: &str, label: &str) -> Change {
        let now = self.clock.now();
        self.edit(location, name, |key| {
            let labelled = key.label(version, label).cloned();
            assert!(labelled.is_some(), "{name} has no version {version}");
            if location.provider != Provider::ParameterStore {
                key.changed = now;
            }
            let moved = match label {
                "AWSCURRENT" => Moved::Current,
                label => Moved::Label(label.to_owned()),
            };
            key.change(moved, labelled.as_ref(), now)
        })
    }

    /// Gives a key a tag. Where a parameter's tags are concerned no listing tells of it.
    pub fn tag(&self, location: &Location, name: &str, tag: &str, value: &str) -> Change {
        let now = self.clock.now();
        self.edit(location, name, |key| {
            key.tags.insert(tag.to_owned(), value.to_owned());
            if location.provider != Provider::ParameterStore {
                key.changed = now;
            }
            key.change(Moved::Metadata, None, now)
        })
    }

    /// Deletes a key. A secret of Secrets Manager is marked for deletion, and listed as such; a later
    /// [`FakeSources::rotate`] restores it. Any other key is gone at once, as by [`FakeSources::destroy`].
    pub fn delete(&self, location: &Location, name: &str) -> Change {
        if location.provider != Provider::SecretsManager {
            return self.destroy(location, name);
        }
        let now = self.clock.now();
        self.edit(location, name, |key| {
            (key.deleted, key.changed) = (true, now);
            key.change(Moved::Existence, None, now)
        })
    }

    /// Deletes a key for good: no listing tells of it any more. Later versions of the name begin from the first again.
    pub fn destroy(&self, location: &Location, name: &str) -> Change {
        let now = self.clock.now();
        let change = self.edit(location, name, |key| key.change(Moved::Existence, None, now));
        lock(&self.keys).retain(|key| key.location != *location || key.name != name);
        change
    }

    fn edit<T>(&self, location: &Location, name: &str, edit: impl FnOnce(&mut Key) -> T) -> T {
        let mut keys = lock(&self.keys);
        let key = keys.iter_mut().find(|key| key.location == *location && key.name == name);
        edit(key.unwrap_or_else(|| panic!("there is no key {name} in {location}")))
    }

    async fn one(&self, access: &Access, wanted: &Wanted, point: Point) -> Result<Fetched, Error> {
        let passage = self.door.strike(point, &[&wanted.key]).await?;
        let location = location_of(access);
        let missing = |what: String, kind| {
            let message =
                format!("{}: {what} does not exist in {location}; create it or correct it", wanted.key);
            Error::new(Step::Fetch, kind, message)
        };
        let fetched = {
            let keys = lock(&self.keys);
            let found = keys.iter().find(|key| key.is_meant(&location, &wanted.key) && !key.deleted);
            match (found.cloned(), wanted.part) {
                (None, Part::Metadata) => return Err(missing("the key".to_owned(), Kind::Invalid)),
                (None, Part::Value) => return Err(missing("the key".to_owned(), Kind::NotFound)),
                (Some(key), Part::Metadata) => Fetched::of_tags(location.provider, &key.tags),
                (Some(mut key), Part::Value) => {
                    key.forget(passage.stale);
                    let stored = key.version(&wanted.selector).cloned();
                    let stored =
                        stored.ok_or_else(|| missing(format!("{:?}", wanted.selector), Kind::NotFound))?;
                    stored.into_fetched(location.provider)
                }
            }
        };
        passage.leave(fetched)
    }
}

impl Sources for FakeSources {
    fn providers(&self) -> Vec<Provider> {
        Provider::ALL.to_vec()
    }

    fn watched(&self) -> Vec<Provider> {
        lock(&self.watched).clone()
    }

    async fn validate(&self, access: &Access) -> Result<(), Error> {
        let subject = location_of(access).to_string();
        self.door.pass(Point::Validate, &[&subject], |calls| calls.validations += 1).await?.leave(())
    }

    async fn fetch(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Fetched, Error>> {
        let subject = wanted.first().map_or("", |wanted| wanted.key.as_str());
        self.door
            .arrive(Point::Fetch, &[subject], |calls| {
                calls.fetches += 1;
                calls.values += wanted.len();
            })
            .await;
        let mut answers = Vec::with_capacity(wanted.len());
        for wanted in wanted {
            answers.push(self.one(access, wanted, Point::Fetch).await);
        }
        answers
    }

    async fn find(
        &self,
        access: &Access,
        find: &Find,
        keep: &Keep,
    ) -> Result<BTreeMap<String, Fetched>, Error> {
        let location = location_of(access);
        let subject = location.to_string();
        let passage = self.door.pass(Point::Search, &[&subject], |calls| calls.searches += 1).await?;
        let invalid =
            |message: String| Error::new(Step::Fetch, Kind::Invalid, format!("{location}: {message}"));
        if find.name.is_none() && find.tags.is_empty() {
            return Err(invalid("find names neither name nor tags".to_owned()));
        }
        let pattern = find.pattern().map_err(|error| invalid(error.to_string()))?;
        let found = {
            let keys = lock(&self.keys);
            let here = keys.iter().filter(|key| key.location.agrees_with(&location));
            here.filter(|key| key.is_found(find, &pattern) && keep.allows(&key.name))
                .filter_map(|key| {
                    let mut key = key.clone();
                    key.forget(passage.stale);
                    let stored = key.version(&VersionSelector::Current)?.clone();
                    Some((key.name.clone(), stored.into_fetched(location.provider)))
                })
                .collect()
        };
        passage.leave(found)
    }

    async fn changed_since(&self, access: &Access, since: Option<Timestamp>) -> Result<Listing, Error> {
        let location = location_of(access);
        let subject = location.to_string();
        let passage = self.door.pass(Point::Listing, &[&subject], |calls| calls.listings += 1).await?;
        if access.backend.capabilities().changes == Changes::Untold {
            let message =
                format!("{location}: it does not tell what changed; ask for the versions of known keys");
            return Err(Error::new(Step::Fetch, Kind::Invalid, message));
        }
        let listing = {
            let keys = lock(&self.keys);
            let here: Vec<_> = keys.iter().filter(|key| key.location.agrees_with(&location)).collect();
            // Parameter Store gives the whole list whatever is asked; Secrets Manager ends it where changes end, but gives
            // its first page whole.
            let whole =
                since.is_none() || location.provider == Provider::ParameterStore || here.len() <= PAGE;
            let (told, left): (Vec<_>, Vec<_>) =
                here.into_iter().partition(|key| whole || Some(key.changed) >= since);
            Listing { keys: told.into_iter().map(Key::listed).collect(), complete: left.is_empty() }
        };
        passage.leave(listing)
    }

    async fn account(&self, access: &Access) -> Option<String> {
        let location = location_of(access);
        let subject = location.to_string();
        let passage = self.door.pass(Point::Account, &[&subject], |calls| calls.accounts += 1).await.ok()?;
        passage.leave(location.account.unwrap_or_else(|| ACCOUNT.to_owned())).ok()
    }

    async fn versions(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Version, Error>> {
        let subject = wanted.first().map_or("", |wanted| wanted.key.as_str());
        self.door
            .arrive(Point::Versions, &[subject], |calls| {
                calls.version_calls += 1;
                calls.versions += wanted.len();
            })
            .await;
        let mut answers = Vec::with_capacity(wanted.len());
        for wanted in wanted {
            let found = self.one(access, wanted, Point::Versions).await;
            answers.push(found.map(|fetched| fetched.version));
        }
        answers
    }
}

fn location_of(access: &Access) -> Location {
    access.backend.location()
}
