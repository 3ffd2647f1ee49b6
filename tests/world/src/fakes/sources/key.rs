use crate::build::ACCOUNT;
use jiff::Timestamp;
use pawl_domain::declaration::NamePattern;
use pawl_domain::{Change, Fetched, Find, Location, Moved, Provider, SecretValue, Version, VersionSelector};
use pawl_pipeline::ports::Listed;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) location: Location,
    pub(super) name: String,
    pub(super) versions: Vec<Stored>,
    pub(super) changed: Timestamp,
    pub(super) deleted: bool,
    pub(super) tags: BTreeMap<String, String>,
}

#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) id: String,
    pub(super) value: SecretValue,
    pub(super) since: Timestamp,
    pub(super) labels: BTreeSet<String>,
}

impl Stored {
    pub(super) fn into_fetched(self, provider: Provider) -> Fetched {
        Fetched {
            provider,
            value: self.value,
            version: Version { id: self.id, since: Some(self.since) },
            labels: self.labels.into_iter().collect(),
        }
    }
}

impl Key {
    /// A key without a version.
    pub(super) fn new(location: &Location, name: &str, now: Timestamp) -> Self {
        let (location, name) = (location.clone(), name.to_owned());
        Self { location, name, versions: Vec::new(), changed: now, deleted: false, tags: BTreeMap::new() }
    }

    pub(super) fn push(&mut self, value: SecretValue, now: Timestamp) {
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
    pub(super) fn forget(&mut self, versions: usize) {
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

    pub(super) fn version(&self, selector: &VersionSelector) -> Option<&Stored> {
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

    /// Whether a search finds this key, as ESO searches the two services of AWS.
    pub(super) fn is_found(&self, find: &Find, pattern: &NamePattern) -> bool {
        let below = |path: &String| match self.location.provider {
            Provider::ParameterStore => {
                let path = path.trim_end_matches('/');
                path.is_empty() || self.name.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'))
            }
            Provider::SecretsManager | Provider::Vault | Provider::Fake => self.name.starts_with(path),
        };
        let untagged = self.location.provider == Provider::ParameterStore && find.name.is_some();
        let tagged = untagged || find.tags.iter().all(|(key, value)| self.tags.get(key) == Some(value));
        !self.deleted && pattern.is_match(&self.name) && find.path.as_ref().is_none_or(below) && tagged
    }

    /// Whether `text`, a name or an ARN, means this key when it is asked for at `location`.
    pub(super) fn is_meant(&self, location: &Location, text: &str) -> bool {
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

    pub(super) fn listed(&self) -> Listed {
        let version = self.version(&VersionSelector::Current).filter(|_| !self.deleted);
        Listed {
            names: BTreeSet::from([self.name.clone(), self.arn()]),
            version: version.map(|stored| stored.id.clone()),
            changed: Some(self.changed),
        }
    }

    pub(super) fn change(&self, moved: Moved, version: Option<&Stored>) -> Change {
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
