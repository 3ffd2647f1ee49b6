use super::FakeClock;
use crate::build::ACCOUNT;
use crate::door::{Door, lock};
use crate::fault::Point;
use jiff::Timestamp;
use pawl_domain::{
    Access, Change, Fetched, Find, Kind, Location, Moved, Provider, SecretValue, Step, Version,
    VersionSelector,
};
use pawl_pipeline::Error;
use pawl_pipeline::ports::{Clock, Listed, Sources, Wanted};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

/// Stores in memory: keys with versions and labels, as Secrets Manager and Parameter Store keep them.
#[derive(Clone, Debug, Default)]
pub struct FakeSources {
    pub(crate) door: Door,
    pub(crate) clock: FakeClock,
    keys: Arc<Mutex<Vec<Key>>>,
}

#[derive(Clone, Debug)]
struct Key {
    location: Location,
    name: String,
    versions: Vec<Stored>,
    changed: Timestamp,
    deleted: bool,
}

#[derive(Clone, Debug)]
struct Stored {
    id: String,
    value: SecretValue,
    since: Timestamp,
    labels: BTreeSet<String>,
}

impl FakeSources {
    /// A new version of a key, which comes into being if it is not there: `v1`, `v2`... in Secrets Manager, `1`,
    /// `2`... in Parameter Store. Returns the change that a complete event would become.
    pub fn rotate(&self, location: &Location, name: &str, value: impl Into<Vec<u8>>) -> Change {
        let now = self.clock.now();
        let mut keys = lock(&self.keys);
        let key = match keys.iter().position(|key| key.location == *location && key.name == name) {
            Some(index) => &mut keys[index],
            None => {
                let (location, name) = (location.clone(), name.to_owned());
                keys.push(Key { location, name, versions: vec![], changed: now, deleted: false });
                keys.last_mut().expect("it was pushed")
            }
        };
        key.push(SecretValue::new(value), now);
        key.change(Moved::Current, key.versions.last())
    }

    /// Moves a label to a version of a key.
    pub fn label(&self, location: &Location, name: &str, version: &str, label: &str) -> Change {
        let now = self.clock.now();
        self.edit(location, name, |key| {
            for stored in &mut key.versions {
                stored.labels.remove(label);
                if stored.id == version {
                    stored.labels.insert(label.to_owned());
                }
            }
            key.changed = now;
            let labelled = key.versions.iter().find(|stored| stored.labels.contains(label));
            assert!(labelled.is_some(), "{name} has no version {version}");
            key.change(Moved::Label(label.to_owned()), labelled)
        })
    }

    /// Deletes a key. A later [`FakeSources::rotate`] brings it back.
    pub fn delete(&self, location: &Location, name: &str) -> Change {
        let now = self.clock.now();
        self.edit(location, name, |key| {
            (key.deleted, key.changed) = (true, now);
            key.change(Moved::Existence, None)
        })
    }

    fn edit<T>(&self, location: &Location, name: &str, edit: impl FnOnce(&mut Key) -> T) -> T {
        let mut keys = lock(&self.keys);
        let key = keys.iter_mut().find(|key| key.location == *location && key.name == name);
        edit(key.unwrap_or_else(|| panic!("there is no key {name} in {location}")))
    }

    async fn one(&self, access: &Access, wanted: &Wanted, point: Point) -> Result<(Provider, Stored), Error> {
        let passage = self.door.strike(point, &[&wanted.key]).await?;
        let location = location_of(access);
        let missing = |what: String| {
            let message =
                format!("{}: {what} does not exist in {location}; create it or correct it", wanted.key);
            Error::new(Step::Fetch, Kind::NotFound, message)
        };
        let stored = {
            let keys = lock(&self.keys);
            let found = keys.iter().find(|key| key.is_meant(&location, &wanted.key) && !key.deleted);
            let mut key = found.cloned().ok_or_else(|| missing("the key".to_owned()))?;
            key.forget(passage.stale);
            key.version(&wanted.selector).cloned().ok_or_else(|| missing(format!("{:?}", wanted.selector)))?
        };
        passage.leave((location.provider, stored))
    }
}

impl Sources for FakeSources {
    async fn fetch(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Fetched, Error>> {
        let subject = wanted.first().map_or("", |wanted| wanted.key.as_str());
        self.door
            .arrive(Point::Fetch, &[subject], |calls| {
                calls.fetches += 1;
                calls.values += wanted.len();
            })
            .await;
        let one = async |wanted| {
            let (provider, stored) = self.one(access, wanted, Point::Fetch).await?;
            Ok(stored.into_fetched(provider))
        };
        let mut answers = Vec::with_capacity(wanted.len());
        for wanted in wanted {
            answers.push(one(wanted).await);
        }
        answers
    }

    async fn find(&self, access: &Access, find: &Find) -> Result<BTreeMap<String, Fetched>, Error> {
        let location = location_of(access);
        let subject = location.to_string();
        let passage = self.door.pass(Point::Search, &[&subject], |calls| calls.searches += 1).await?;
        let found = {
            let keys = lock(&self.keys);
            let here = keys.iter().filter(|key| key.location.agrees_with(&location) && !key.deleted);
            let meant = here.filter(|key| access.backend.finds(find, &key.name));
            meant
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

    async fn changed_since(&self, access: &Access, since: Option<Timestamp>) -> Result<Vec<Listed>, Error> {
        let location = location_of(access);
        let subject = location.to_string();
        let passage = self.door.pass(Point::Listing, &[&subject], |calls| calls.listings += 1).await?;
        let listed = {
            let keys = lock(&self.keys);
            let here = keys.iter().filter(|key| key.location.agrees_with(&location));
            let changed = here.filter(|key| since.is_none_or(|since| key.changed >= since));
            changed.map(Key::listed).collect()
        };
        passage.leave(listed)
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
            answers.push(found.map(|(_, stored)| Version { id: stored.id, since: Some(stored.since) }));
        }
        answers
    }
}

impl Stored {
    fn into_fetched(self, provider: Provider) -> Fetched {
        Fetched {
            provider,
            value: self.value,
            version: Version { id: self.id, since: Some(self.since) },
            labels: self.labels.into_iter().collect(),
        }
    }
}

impl Key {
    fn push(&mut self, value: SecretValue, now: Timestamp) {
        let number = self.versions.len() + 1;
        let (id, labels) = match self.location.provider {
            Provider::ParameterStore | Provider::Vault | Provider::Fake => {
                (number.to_string(), BTreeSet::new())
            }
            Provider::SecretsManager => (format!("v{number}"), BTreeSet::from(["AWSCURRENT".to_owned()])),
        };
        if self.location.provider == Provider::SecretsManager {
            for stored in &mut self.versions {
                stored.labels.remove("AWSPREVIOUS");
                if stored.labels.remove("AWSCURRENT") {
                    stored.labels.insert("AWSPREVIOUS".to_owned());
                }
            }
        }
        self.versions.push(Stored { id, value, since: now, labels });
        (self.deleted, self.changed) = (false, now);
    }

    /// Goes back to the time before the last versions came, as a store that lags does.
    fn forget(&mut self, versions: usize) {
        for _ in 0..versions.min(self.versions.len()) {
            self.versions.pop();
            for stored in &mut self.versions {
                if stored.labels.remove("AWSPREVIOUS") {
                    stored.labels.insert("AWSCURRENT".to_owned());
                }
            }
            if let Some(before) =
                self.versions.len().checked_sub(2).and_then(|index| self.versions.get_mut(index))
            {
                before.labels.insert("AWSPREVIOUS".to_owned());
            }
        }
    }

    fn version(&self, selector: &VersionSelector) -> Option<&Stored> {
        let labelled = |label: &str| self.versions.iter().find(|stored| stored.labels.contains(label));
        match selector {
            VersionSelector::Id(id) => self.versions.iter().find(|stored| stored.id == *id),
            VersionSelector::Label(label) => labelled(label),
            VersionSelector::Current => match self.location.provider {
                Provider::ParameterStore | Provider::Vault | Provider::Fake => self.versions.last(),
                Provider::SecretsManager => labelled("AWSCURRENT"),
            },
        }
    }

    /// Whether `text`, a name or an ARN, means this key when it is asked for at `location`.
    fn is_meant(&self, location: &Location, text: &str) -> bool {
        self.location.agrees_with(location)
            && (text == self.name || !self.index_keys(&self.arn()).is_disjoint(&self.index_keys(text)))
    }

    fn index_keys(&self, text: &str) -> BTreeSet<pawl_domain::IndexKey> {
        self.location.index_keys(text)
    }

    fn arn(&self) -> String {
        let account = self.location.account.as_deref().unwrap_or(ACCOUNT);
        let region = &self.location.region;
        match self.location.provider {
            Provider::SecretsManager => {
                format!("arn:aws:secretsmanager:{region}:{account}:secret:{}-AbCdEf", self.name)
            }
            Provider::ParameterStore => {
                format!("arn:aws:ssm:{region}:{account}:parameter/{}", self.name.trim_start_matches('/'))
            }
            Provider::Vault | Provider::Fake => self.name.clone(),
        }
    }

    fn listed(&self) -> Listed {
        let version = self.version(&VersionSelector::Current).filter(|_| !self.deleted);
        Listed {
            names: BTreeSet::from([self.name.clone(), self.arn()]),
            version: version.map(|stored| stored.id.clone()),
            changed: Some(self.changed),
        }
    }

    fn change(&self, moved: Moved, version: Option<&Stored>) -> Change {
        Change {
            id: format!("{}@{}", self.name, self.changed),
            location: self.location.clone(),
            names: BTreeSet::from([self.name.clone(), self.arn()]),
            version: version.map(|stored| stored.id.clone()),
            moved,
            at: self.changed,
        }
    }
}

fn location_of(access: &Access) -> Location {
    access.backend.location()
}
