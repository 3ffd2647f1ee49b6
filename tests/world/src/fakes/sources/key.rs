use crate::build::ACCOUNT;
use jiff::Timestamp;
use pawl_domain::change::Extent;
use pawl_domain::declaration::NamePattern;
use pawl_domain::provider::Order;
use pawl_domain::{Change, Fetched, Find, Location, Moved, Provider, SecretValue, Version, VersionSelector};
use pawl_ports::Listed;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) location: Location,
    pub(super) name: String,
    pub(super) versions: Vec<Stored>,
    pub(super) changed: Timestamp,
    /// Marked for deletion: it is listed, but nothing of it can be read.
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
        let in_force = self.in_force();
        let is_named = self.location.provider.profile().order == Order::Time || in_force.is_some();
        let id = if is_named { format!("v{number}") } else { number.to_string() };
        self.versions.push(Stored { id: id.clone(), value, since: now, labels: BTreeSet::new() });
        if let Some(label) = in_force {
            self.label(&id, label);
        }
        (self.deleted, self.changed) = (false, now);
    }

    /// The label of the version in force; without one it is the last.
    fn in_force(&self) -> Option<&'static str> {
        match self.location.provider.profile().order {
            Order::Unordered { in_force } => Some(in_force).filter(|label| !label.is_empty()),
            Order::Number | Order::Time => None,
        }
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

    /// Moves a label to a version; `None` when there is no such version. When AWSCURRENT moves,
    /// AWSPREVIOUS moves to where it was.
    pub(super) fn label(&mut self, version: &str, label: &str) -> Option<&Stored> {
        let to = self.versions.iter().position(|stored| stored.id == version)?;
        let from = self.versions.iter().position(|stored| stored.labels.contains(label));
        if label == "AWSCURRENT"
            && let Some(from) = from.filter(|from| *from != to)
        {
            self.put("AWSPREVIOUS", from);
        }
        self.put(label, to);
        self.versions.get(to)
    }

    fn put(&mut self, label: &str, to: usize) {
        for (index, stored) in self.versions.iter_mut().enumerate() {
            if index == to {
                stored.labels.insert(label.to_owned());
            } else {
                stored.labels.remove(label);
            }
        }
    }

    pub(super) fn version(&self, selector: &VersionSelector) -> Option<&Stored> {
        let labelled = |label: &str| self.versions.iter().find(|stored| stored.labels.contains(label));
        match selector {
            VersionSelector::Id(id) => self.versions.iter().find(|stored| stored.id == *id),
            VersionSelector::Label(label) => labelled(label),
            VersionSelector::Current => self.in_force().map_or(self.versions.last(), labelled),
        }
    }

    /// Whether a search finds this key, as ESO searches the two services of AWS.
    pub(super) fn is_found(&self, find: &Find, pattern: &NamePattern) -> bool {
        let below = |path: &String| match self.location.provider {
            Provider::ParameterStore => {
                let path = path.trim_end_matches('/');
                path.is_empty() || self.name.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'))
            }
            _ => self.name.starts_with(path),
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
            _ => self.name.clone(),
        }
    }

    /// As Secrets Manager and Parameter Store list a key: the latter tells neither labels nor tags.
    pub(super) fn listed(&self) -> Listed {
        let version = self.version(&VersionSelector::Current).filter(|_| !self.deleted);
        let tells_all = self.location.provider == Provider::SecretsManager;
        let readable = self.versions.iter().filter(|_| !self.deleted);
        let labels = readable.flat_map(|stored| stored.labels.iter().map(|label| (label, &stored.id)));
        Listed {
            names: BTreeSet::from([self.name.clone(), self.arn()]),
            version: version.map(|stored| stored.id.clone()),
            changed: Some(self.changed),
            labels: tells_all.then(|| labels.map(|(label, id)| (label.clone(), id.clone())).collect()),
            tags: tells_all.then(|| self.tags.clone()),
        }
    }

    pub(super) fn change(&self, moved: Moved, version: Option<&Stored>, at: Timestamp) -> Change {
        Change {
            id: format!("{}@{at}", self.name),
            location: self.location.clone(),
            names: BTreeSet::from([self.name.clone(), self.arn()]),
            extent: Extent::Key,
            version: version.map(|stored| stored.id.clone()),
            moved,
            at,
        }
    }
}
