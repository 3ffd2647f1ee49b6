//! The whole value of a key, or the property of it that a read names.

use super::extract::{items, members};
use crate::provider::{Extract, Lookup};
use crate::secret::SecretValue;
use pawl_golang::budget::Budget;
use pawl_golang::gjson::{self, TooComplex};
use pawl_golang::json::{self, Html, Tree};

/// A property, made ready to be looked up in many values.
#[derive(Clone, Debug)]
pub(super) struct Property {
    /// As declared.
    pub(super) path: String,
    /// With its dots escaped, if it has any.
    pub(super) escaped: Option<String>,
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
        if matches!(lookup, Lookup::Told | Lookup::Ignored) {
            return Ok(Some(value.clone()));
        }
        let document = value.expose();
        let path = |budget: &mut Budget| gjson_value(document, &self.path, budget);
        let one_name = |budget: &mut Budget| match &self.escaped {
            Some(escaped) => gjson_value(document, escaped, budget),
            None => Ok(None),
        };
        let first = match lookup {
            Lookup::Path
            | Lookup::Told
            | Lookup::Ignored
            | Lookup::Entries
            | Lookup::Item
            | Lookup::Parts => None,
            Lookup::RawPath => return raw_value(document, &self.path, budget),
            Lookup::RawPathOrEmpty => {
                let null = |found: SecretValue| match found.expose() == b"null" {
                    true => SecretValue::new(""),
                    false => found,
                };
                return Ok(raw_value(document, &self.path, budget)?.map(null));
            }
            Lookup::TextPath => {
                let found = gjson::get_within(budget, document, &self.path)?;
                let text = |value: gjson::Value<'_>| match value.kind() {
                    gjson::Kind::String => SecretValue::new(value.string()),
                    _ => SecretValue::new(""),
                };
                return Ok(found.map(text));
            }
            Lookup::MemberOfTexts => {
                let texts = members(Extract::Texts, "", value).unwrap_or_default();
                return Ok(texts.get(&self.path).cloned());
            }
            Lookup::MemberWithNull => {
                let all = members(Extract::RawWithNull, "", value).unwrap_or_default();
                return Ok(all.get(&self.path).cloned());
            }
            Lookup::MemberOfItems => {
                let items = items(value).unwrap_or_default();
                return Ok(items.into_iter().find_map(|mut item| item.remove(&self.path)));
            }
            Lookup::QuotedMember => return Ok(quoted(document, &self.path)),
            Lookup::PathFirst { .. } => {
                let found = path(budget)?;
                return if found.is_some() { Ok(found) } else { one_name(budget) };
            }
            Lookup::NameWithDotsFirst => one_name(budget)?,
            Lookup::NameWithInnerDotsFirst if !json::is_valid(document) => return Ok(None),
            Lookup::NameWithInnerDotsFirst if self.path.starts_with('.') => None,
            Lookup::NameWithInnerDotsFirst => one_name(budget)?,
            Lookup::MemberFirst => member(document, &self.path),
            Lookup::Member | Lookup::MainMember { .. } => return Ok(member(document, &self.path)),
            Lookup::MemberOfMember => return Ok(member_of_member(document, &self.path)),
            Lookup::Tag => return self.tag(document, budget),
        };
        if first.is_some() { Ok(first) } else { path(budget) }
    }

    /// The tag of this name, else what the rest leads to within the tag whose name stands before the first dot.
    fn tag(&self, tags: &[u8], budget: &mut Budget) -> Result<Option<SecretValue>, TooComplex> {
        if let Some(tag) = member(tags, &self.path) {
            return Ok(Some(tag));
        }
        let Some((name, rest)) = self.path.split_once('.').filter(|(name, _)| !name.is_empty()) else {
            return Ok(None);
        };
        match (member(tags, name), Self::of(Some(rest))) {
            (Some(tag), Some(within)) => within.find(Lookup::PathFirst { whole: "" }, &tag, budget),
            (tag, _) => Ok(tag),
        }
    }
}

fn gjson_value(document: &[u8], path: &str, budget: &mut Budget) -> Result<Option<SecretValue>, TooComplex> {
    Ok(gjson::get_within(budget, document, path)?.map(|value| SecretValue::new(value.string())))
}

/// A text as it is, anything else as the JSON that stands there.
fn raw_value(document: &[u8], path: &str, budget: &mut Budget) -> Result<Option<SecretValue>, TooComplex> {
    let found = gjson::get_within(budget, document, path)?;
    Ok(found.map(|value| match value.kind() {
        gjson::Kind::String => SecretValue::new(value.string()),
        _ => SecretValue::new(value.raw()),
    }))
}

/// The member of exactly this name.
fn member(document: &[u8], name: &str) -> Option<SecretValue> {
    json::object_to_raw(document).ok()?.remove(name.as_bytes()).map(SecretValue::new)
}

/// The same, with its quotes where it is a text.
fn quoted(document: &[u8], name: &str) -> Option<SecretValue> {
    json::object_to_quoted(document).ok()?.remove(name.as_bytes()).map(SecretValue::new)
}

/// The member of a member, its name being all that stands behind the first dot; without a dot a member as JSON.
fn member_of_member(document: &[u8], path: &str) -> Option<SecretValue> {
    let Tree::Map(mut members) = json::decode(document).ok()? else { return None };
    let Some((outer, inner)) = path.split_once('.') else {
        let whole = members.remove(path.as_bytes())?;
        return json::encode(&whole, Html::Escape).ok().map(SecretValue::new);
    };
    match members.remove(outer.as_bytes())? {
        Tree::Map(mut within) => match within.remove(inner.as_bytes())? {
            Tree::Text(text) => Some(SecretValue::new(text)),
            other => json::encode(&other, Html::Escape).ok().map(SecretValue::new),
        },
        _ => None,
    }
}
