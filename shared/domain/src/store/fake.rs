//! `spec.provider.fake`: a store whose values stand in its manifest, to try things out with.

use super::spec::{Claims, Identity, Spec};
use crate::key::Location;
use crate::name::Namespace;
use crate::provider::{Capabilities, Provider};
use crate::query::Find;
use serde::{Deserialize, Serialize};
use std::fmt;

/// `spec.provider.fake` of a store. Its values are no secrets: they are kept wherever manifests are kept.
#[derive(Clone, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct FakeStore {
    /// The entries, in order; of two with one key and version the last counts.
    pub data: Vec<FakeEntry>,
    /// `validationResult: 2`: ESO takes the store for one that failed its validation.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_refused: bool,
}

/// One entry of a fake store. Debug does not show its value.
#[derive(Clone, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct FakeEntry {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
    /// The version; empty for an entry without one.
    pub version: String,
}

impl fmt::Debug for FakeEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, version, .. } = self;
        f.debug_struct("FakeEntry").field("key", key).field("version", version).finish_non_exhaustive()
    }
}

impl Spec for FakeStore {
    fn location(&self) -> Location {
        Location { provider: Provider::Fake, region: String::new(), account: None }
    }

    fn capabilities(&self) -> Capabilities {
        Provider::Fake.profile().capabilities
    }

    fn remote_key(&self, key: &str) -> String {
        key.to_owned()
    }

    fn found_key(&self, name: &str) -> String {
        name.to_owned()
    }

    fn found_name(&self, key: &str) -> String {
        key.to_owned()
    }

    fn listed_name(&self, key: &str) -> String {
        key.to_owned()
    }

    fn finds(&self, _: &Find, named: &dyn Fn(&str) -> bool, name: &str) -> bool {
        named(name)
    }

    fn refuses(&self, _: &Find) -> Option<&'static str> {
        None
    }

    fn proofs(&self) -> Vec<Option<&Namespace>> {
        Vec::new()
    }

    fn tells_tenants_apart(&self) -> bool {
        false
    }

    fn identity(&self) -> Identity<'_> {
        Identity::Own
    }

    fn claims(&self) -> Claims<'_> {
        let (values, is_refused) = (Some(self.data.as_slice()), self.is_refused);
        Claims { region: None, server: None, authority: None, headers: None, values, is_refused }
    }

    fn withhold_values(&mut self) -> bool {
        self.data.clear();
        true
    }
}
