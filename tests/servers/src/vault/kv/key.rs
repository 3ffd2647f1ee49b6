use crate::vault::{
    duration,
    json::{Json, Object},
};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// How many versions a key keeps when nobody said.
const VERSIONS: u64 = 10;

/// One key of a version 2 engine: its metadata and its versions.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) versions: BTreeMap<u64, Version>,
    pub(super) current: u64,
    pub(super) settings: Settings,
    pub(super) custom: Option<BTreeMap<String, String>>,
    pub(super) metadata_version: u64,
    oldest: u64,
    created: Timestamp,
    pub(super) updated: Timestamp,
}

/// What a key and the whole engine can be set to.
#[derive(Debug, Clone, Default)]
pub(super) struct Settings {
    pub(super) max_versions: u64,
    pub(super) cas_required: bool,
    /// Seconds.
    pub(super) delete_version_after: u64,
}

#[derive(Debug)]
pub(super) struct Version {
    /// None when destroyed.
    pub(super) data: Option<Object>,
    created: Timestamp,
    /// May lie in the future.
    pub(super) deleted: Option<Timestamp>,
    pub(super) destroyed: bool,
}

impl Key {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            versions: BTreeMap::new(),
            current: 0,
            settings: Settings::default(),
            custom: None,
            metadata_version: 0,
            oldest: 0,
            created: now,
            updated: now,
        }
    }

    /// Adds a version and drops those that are too many.
    pub(super) fn add(&mut self, data: Object, engine: &Settings, now: Timestamp) {
        self.current += 1;
        self.updated = now;
        let deleted = self.deletion(engine, now);
        self.versions
            .insert(self.current, Version { data: Some(data), created: now, deleted, destroyed: false });
        let keep = match self.settings.max_versions.max(engine.max_versions) {
            0 => VERSIONS,
            named => named,
        };
        if self.current - self.oldest >= keep {
            self.oldest = self.current - keep + 1;
            self.versions = self.versions.split_off(&self.oldest);
        }
    }

    /// When a version that is written or brought back now goes away by itself.
    pub(super) fn deletion(&self, engine: &Settings, now: Timestamp) -> Option<Timestamp> {
        let after = match (self.settings.delete_version_after, engine.delete_version_after) {
            (0, 0) => return None,
            (0, after) | (after, 0) => after,
            (key, engine) => key.min(engine),
        };
        now.checked_add(SignedDuration::from_secs(i64::try_from(after).ok()?)).ok()
    }

    /// What reads and writes of data say of one version.
    pub(super) fn describe(&self, number: u64, version: &Version) -> Json {
        let mut described = version.describe();
        described.insert("version".to_owned(), Json::from(number));
        described.insert("custom_metadata".to_owned(), self.custom());
        Json::Object(described)
    }

    /// The whole metadata.
    pub(super) fn metadata(&self) -> Json {
        let versions = self.versions.iter();
        let versions =
            versions.map(|(number, version)| (number.to_string(), Json::Object(version.describe())));
        Json::object([
            ("versions", Json::Object(versions.collect())),
            ("current_version", Json::from(self.current)),
            ("current_metadata_version", Json::from(self.metadata_version)),
            ("oldest_version", Json::from(self.oldest)),
            ("created_time", Json::from(self.created.to_string())),
            ("updated_time", Json::from(self.updated.to_string())),
            ("max_versions", Json::from(self.settings.max_versions)),
            ("cas_required", Json::from(self.settings.cas_required)),
            ("metadata_cas_required", Json::from(false)),
            ("delete_version_after", Json::from(duration::go(self.settings.delete_version_after))),
            ("custom_metadata", self.custom()),
        ])
    }

    fn custom(&self) -> Json {
        self.custom.as_ref().map_or(Json::Null, |custom| {
            Json::Object(
                custom.iter().map(|(name, value)| (name.clone(), Json::from(value.as_str()))).collect(),
            )
        })
    }
}

impl Settings {
    /// Takes over what a request names, and says whether it named anything.
    pub(super) fn take(&mut self, data: &Object) -> bool {
        let mut named = false;
        if let Some(Json::Number(text)) = data.get("max_versions") {
            self.max_versions = text.parse().unwrap_or_default();
            named = true;
        }
        if let Some(Json::Bool(required)) = data.get("cas_required") {
            self.cas_required = *required;
            named = true;
        }
        if let Some(after) = data.get("delete_version_after").and_then(duration::seconds) {
            self.delete_version_after = after;
            named = true;
        }
        named
    }
}

impl Version {
    pub(super) fn is_gone(&self, now: Timestamp) -> bool {
        self.destroyed || self.deleted.is_some_and(|deleted| deleted < now)
    }

    fn describe(&self) -> Object {
        let deleted = self.deleted.map(|time| time.to_string()).unwrap_or_default();
        BTreeMap::from([
            ("created_time".to_owned(), Json::from(self.created.to_string())),
            ("deletion_time".to_owned(), Json::from(deleted)),
            ("destroyed".to_owned(), Json::from(self.destroyed)),
        ])
    }
}
