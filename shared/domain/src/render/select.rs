//! The whole value of a key, or the property of it that a read names.

use crate::provider::Lookup;
use crate::secret::SecretValue;
use pawl_golang::budget::Budget;
use pawl_golang::gjson::{self, TooComplex};
use pawl_golang::json;

/// A property, made ready to be looked up in many values.
#[derive(Clone, Debug)]
pub(super) struct Property {
    /// As declared.
    pub(super) path: String,
    /// With its dots escaped, if it has any.
    escaped: Option<String>,
}

impl Property {
    /// The declared property; an empty one is none.
    pub(super) fn of(declared: Option<&str>) -> Option<Self> {
        let path = declared.filter(|path| !path.is_empty())?.to_owned();
        let escaped = path.contains('.').then(|| gjson::escape_dots(&path));
        Some(Self { path, escaped })
    }

    /// What it is in this value.
    pub(super) fn find(
        &self,
        lookup: Lookup,
        value: &SecretValue,
        budget: &mut Budget,
    ) -> Result<Option<SecretValue>, TooComplex> {
        if lookup == Lookup::Told {
            return Ok(Some(value.clone()));
        }
        let document = value.expose();
        let first = match (lookup, &self.escaped) {
            (Lookup::NameWithDotsFirst, Some(escaped)) => gjson_value(document, escaped, budget)?,
            (Lookup::MemberFirst | Lookup::Member, _) => member(document, &self.path),
            (Lookup::Path | Lookup::Told, _) | (Lookup::NameWithDotsFirst, None) => None,
        };
        match (lookup, first) {
            (_, Some(found)) => Ok(Some(found)),
            (Lookup::Member, None) => Ok(None),
            (_, None) => gjson_value(document, &self.path, budget),
        }
    }
}

fn gjson_value(document: &[u8], path: &str, budget: &mut Budget) -> Result<Option<SecretValue>, TooComplex> {
    Ok(gjson::get_within(budget, document, path)?.map(|value| SecretValue::new(value.string())))
}

/// The member of exactly this name.
fn member(document: &[u8], name: &str) -> Option<SecretValue> {
    json::object_to_raw(document).ok()?.remove(name.as_bytes()).map(SecretValue::new)
}
