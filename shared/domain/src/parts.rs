//! What a key gives by each way to read it, as one value.
//!
//! In some stores the kind of a key, or the form of its value, decides what a read without a property gives, what properties
//! there are, and what `extract` takes apart. Which of it is wanted is known only when it is rendered, so adapters give all of
//! it, as a JSON object.

use crate::secret::SecretValue;
use pawl_golang::base64::{self, Encoding};
use pawl_golang::fmt;
use pawl_golang::json::{self, DecodeError, Html, Tree};
use pawl_golang::value::Value;
use std::collections::BTreeMap;

/// What one key gives.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Parts {
    /// What a read without a property gives; `None` where a property must be named.
    pub whole: Option<SecretValue>,
    /// Whether a property has no effect, so that the whole is read.
    pub ignores_properties: bool,
    /// The document that properties are paths in, first of all.
    pub document: Option<SecretValue>,
    /// Whether a property with a dot behind its first letter is one name before it is a path.
    pub inner_dots: bool,
    /// What else a property may name, exactly so.
    pub members: BTreeMap<String, SecretValue>,
    /// What `extract` gives; `None` for the members of the document.
    pub every: Option<BTreeMap<String, SecretValue>>,
    /// What `extract` gives beside that, in whatever way it is read; of equal names the other counts.
    pub beside: BTreeMap<String, SecretValue>,
    /// What `extract` makes of a property.
    pub of_property: OfProperty,
}

/// What `extract` makes of a property.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OfProperty {
    /// It has no effect.
    #[default]
    Ignored,
    /// The members of the JSON object that it names.
    Members,
    /// The same; where it names none, one entry by the name of the property.
    MembersOrOne,
}

impl OfProperty {
    fn word(self) -> &'static str {
        match self {
            Self::Ignored => "ignored",
            Self::Members => "members",
            Self::MembersOrOne => "members-or-one",
        }
    }
}

impl Parts {
    /// The form in which adapters give them.
    pub fn to_value(&self) -> SecretValue {
        let flags = [
            ("ignores_properties", Tree::Bool(self.ignores_properties)),
            ("inner_dots", Tree::Bool(self.inner_dots)),
            ("of_property", Tree::Text(self.of_property.word().as_bytes().to_vec())),
            ("whole", self.whole.as_ref().map_or(Tree::Null, packed)),
            ("document", self.document.as_ref().map_or(Tree::Null, packed)),
            ("members", all_packed(&self.members)),
            ("beside", all_packed(&self.beside)),
            ("every", self.every.as_ref().map_or(Tree::Null, all_packed)),
        ];
        let tree =
            Tree::Map(flags.into_iter().map(|(name, tree)| (name.as_bytes().to_vec(), tree)).collect());
        // Texts in two levels always have a JSON form.
        SecretValue::new(json::encode(&tree, Html::Keep).unwrap_or_default())
    }

    /// Out of the form in which adapters give them.
    ///
    /// # Errors
    /// The value has another form.
    pub fn of_value(value: &SecretValue) -> Result<Self, DecodeError> {
        let Tree::Map(mut tree) = json::decode(value.expose())? else { return Err(DecodeError::NotAnObject) };
        let mut take = |name: &str| tree.remove(name.as_bytes()).unwrap_or(Tree::Null);
        let of_property = match take("of_property") {
            Tree::Text(word) if word == OfProperty::Members.word().as_bytes() => OfProperty::Members,
            Tree::Text(word) if word == OfProperty::MembersOrOne.word().as_bytes() => {
                OfProperty::MembersOrOne
            }
            _ => OfProperty::Ignored,
        };
        Ok(Self {
            whole: unpacked(take("whole"))?,
            ignores_properties: matches!(take("ignores_properties"), Tree::Bool(true)),
            document: unpacked(take("document"))?,
            inner_dots: matches!(take("inner_dots"), Tree::Bool(true)),
            members: all_unpacked(take("members"))?.unwrap_or_default(),
            every: all_unpacked(take("every"))?,
            beside: all_unpacked(take("beside"))?.unwrap_or_default(),
            of_property,
        })
    }
}

/// Each member of a JSON object as Go prints it, which is neither JSON nor always one line: an object is `map[a:1]`.
///
/// # Errors
/// It is no JSON object, or too much of one.
pub fn printed(object: &SecretValue) -> Result<BTreeMap<String, SecretValue>, DecodeError> {
    let Tree::Map(members) = json::decode(object.expose())?.with_floats() else {
        return Err(DecodeError::NotAnObject);
    };
    let print = |(name, tree): (Vec<u8>, Tree)| {
        let text = fmt::sprint(&[Value::from(tree)]).map_err(|_| DecodeError::NotText)?;
        Ok((String::from_utf8_lossy(&name).into_owned(), SecretValue::new(text)))
    };
    members.into_iter().map(print).collect()
}

fn packed(value: &SecretValue) -> Tree {
    Tree::Text(base64::encode(Encoding::Standard, value.expose()).into_bytes())
}

fn all_packed(values: &BTreeMap<String, SecretValue>) -> Tree {
    Tree::Map(values.iter().map(|(name, value)| (name.clone().into_bytes(), packed(value))).collect())
}

fn unpacked(tree: Tree) -> Result<Option<SecretValue>, DecodeError> {
    match tree {
        Tree::Null => Ok(None),
        Tree::Text(text) => {
            let text = SecretValue::new(text);
            let bytes =
                base64::decode(Encoding::Standard, text.expose()).map_err(|_| DecodeError::NotText)?;
            Ok(Some(SecretValue::new(bytes)))
        }
        _ => Err(DecodeError::NotText),
    }
}

fn all_unpacked(tree: Tree) -> Result<Option<BTreeMap<String, SecretValue>>, DecodeError> {
    let members = match tree {
        Tree::Null => return Ok(None),
        Tree::Map(members) => members,
        _ => return Err(DecodeError::NotAnObject),
    };
    let mut all = BTreeMap::new();
    for (name, tree) in members {
        let value = unpacked(tree)?.ok_or(DecodeError::NotText)?;
        all.insert(String::from_utf8_lossy(&name).into_owned(), value);
    }
    Ok(Some(all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_survive() {
        let bytes = |bytes: &[u8]| SecretValue::new(bytes);
        let members = || BTreeMap::from([("a b".to_owned(), bytes(b"\xff\x00"))]);
        for parts in [
            Parts::default(),
            Parts {
                whole: Some(bytes(b"")),
                ignores_properties: true,
                document: Some(bytes(b"{}")),
                inner_dots: true,
                members: members(),
                every: Some(members()),
                beside: members(),
                of_property: OfProperty::MembersOrOne,
            },
            Parts { of_property: OfProperty::Members, ..Parts::default() },
        ] {
            assert_eq!(Parts::of_value(&parts.to_value()), Ok(parts));
        }
        for strange in ["", "[]", r#"{"whole":1}"#, r#"{"whole":"%"}"#, r#"{"members":{"a":null}}"#] {
            assert!(Parts::of_value(&bytes(strange.as_bytes())).is_err(), "{strange}");
        }
    }

    #[test]
    fn members_are_printed_as_go_prints_them() {
        let object = r#"{"s":"<a>","i":1,"f":1.5,"big":123456789012,"huge":1e21,"t":true,"n":null,"l":[1,"a"],"m":{"b":2,"a":"x y"}}"#;
        let texts = printed(&SecretValue::new(object)).unwrap();
        let texts: BTreeMap<_, _> =
            texts.iter().map(|(name, text)| (name.as_str(), text.expose_str().unwrap())).collect();
        let want = [
            ("big", "1.23456789012e+11"),
            ("f", "1.5"),
            ("huge", "1e+21"),
            ("i", "1"),
            ("l", "[1 a]"),
            ("m", "map[a:x y b:2]"),
            ("n", "<nil>"),
            ("s", "<a>"),
            ("t", "true"),
        ];
        assert_eq!(texts, BTreeMap::from(want));
    }
}
