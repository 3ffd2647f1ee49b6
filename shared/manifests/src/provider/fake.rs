//! `spec.provider.fake` of a store.

use super::Setting;
use crate::reader::Fields;
use pawl_domain::store::{Backend, FakeEntry, FakeStore};
use serde_json::Value;

/// The values of the manifest. Messages never quote them: people try things out with real ones.
pub(super) fn read(mut fields: Fields<'_>, _: Setting<'_>) -> Option<Backend> {
    if !fields.has("data") {
        fields.error("data", "is missing; write a list of keys and values");
    }
    let data = fields.objects("data").into_iter().filter_map(entry).collect();
    let is_refused = fields.value("validationResult").and_then(Value::as_i64) == Some(REFUSED);
    fields.close();
    Some(FakeStore { data, is_refused }.into())
}

/// Source: ESO's validation results are 0 for ready, 1 for unknown, which counts as ready, and 2 for an error.
const REFUSED: i64 = 2;

fn entry(mut fields: Fields<'_>) -> Option<FakeEntry> {
    let key = fields.given("key", "the secret's name").map(str::to_owned);
    let value = fields.given("value", "the secret's value").map(str::to_owned);
    let version = fields.text("version").unwrap_or_default().to_owned();
    fields.close();
    Some(FakeEntry { key: key?, value: value?, version })
}
