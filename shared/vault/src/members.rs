//! Objects of a key/value engine, member by member.

use pawl_domain::SecretValue;
use pawl_golang::json::{self, Html};
use std::collections::BTreeMap;

/// Names and values of an object, the values as they stand in JSON.
pub(crate) type Members = BTreeMap<Vec<u8>, SecretValue>;

/// The members of an object; `None` for what is none.
pub(crate) fn of(object: &SecretValue) -> Option<Members> {
    let members = json::object_to_quoted(object.expose()).ok()?;
    Some(members.into_iter().map(|(name, value)| (name, SecretValue::new(value))).collect())
}

/// An object of these members, as Go's `json.Marshal` writes it.
pub(crate) fn object(members: &Members) -> SecretValue {
    let size = members.iter().map(|(name, value)| name.len() * 2 + value.len() + 4).sum::<usize>() + 2;
    let mut out = Vec::with_capacity(size);
    out.push(b'{');
    for (place, (name, value)) in members.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        out.extend_from_slice(&json::quote(name, Html::Escape));
        out.push(b':');
        out.extend_from_slice(value.expose());
    }
    out.push(b'}');
    SecretValue::new(out)
}

/// An object of texts.
pub(crate) fn texts(texts: BTreeMap<String, String>) -> SecretValue {
    let quoted = |(name, text): (String, String)| {
        (name.into_bytes(), SecretValue::new(json::quote(text, Html::Escape)))
    };
    object(&texts.into_iter().map(quoted).collect())
}
