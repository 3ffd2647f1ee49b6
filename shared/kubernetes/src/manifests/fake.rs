//! `spec.provider.fake` of a store.

use super::reader::Fields;
use pawl_domain::store::{Backend, FakeEntry, FakeStore};

/// The values of the manifest. Messages never quote them: people try things out with real ones.
pub(super) fn read(mut fields: Fields<'_>) -> Backend {
    if !fields.has("data") {
        fields.error("data", "is missing; write a list of keys and values");
    }
    let data = fields.objects("data").into_iter().filter_map(entry).collect();
    if fields.has("validationResult") {
        let path = fields.path_of("validationResult");
        fields.notes().warning(path, "has no effect: stores are not validated, they are read");
    }
    fields.close();
    Backend::Fake(FakeStore { data })
}

fn entry(mut fields: Fields<'_>) -> Option<FakeEntry> {
    let key = fields.given("key", "the secret's name").map(str::to_owned);
    let value = fields.given("value", "the secret's value").map(str::to_owned);
    let version = fields.text("version").unwrap_or_default().to_owned();
    fields.close();
    Some(FakeEntry { key: key?, value: value?, version })
}
