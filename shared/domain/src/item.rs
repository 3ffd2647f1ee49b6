//! What a read of a password manager's item needs of it, as one value.
//!
//! Which field or file of an item a property names, or that a declaration takes all of them, is known only when it is
//! rendered; two fields may have one label. So adapters give all that may be meant: a JSON object with the parts in their
//! order, each with its label and its bytes in base64. Source: ESO's 1Password provider, version 2.9.

use crate::secret::SecretValue;
use pawl_golang::base64::{self, Encoding};
use pawl_golang::json::{self, DecodeError, Html, Tree};

/// Fields or files of an item, in their order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Item {
    /// What they are.
    pub kind: Part,
    /// Each with its label or name.
    pub parts: Vec<(String, SecretValue)>,
}

/// What the parts of an item are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part {
    /// Fields: a label may be there several times, and then means none of them.
    Field,
    /// Files: of those of one name the first counts.
    File,
}

/// Several fields have the label that is read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Repeated(pub String);

/// The field that is read where no property names one.
const PASSWORD: &str = "password";

impl Part {
    /// What a property names: of which kind, where it says so, and its label or name.
    pub fn named(property: &str) -> (Option<Self>, &str) {
        for (prefix, kind) in [("field/", Self::Field), ("file/", Self::File)] {
            if let Some(label) = property.strip_prefix(prefix) {
                return (Some(kind), label);
            }
        }
        (None, property)
    }
}

impl Item {
    /// One value, as an item whose only field is read where no property names one.
    pub fn of_one(value: SecretValue) -> Self {
        Self { kind: Part::Field, parts: vec![(PASSWORD.to_owned(), value)] }
    }

    /// Fields out of the members of a JSON object.
    ///
    /// # Errors
    /// The value is no JSON object.
    pub fn of_texts(object: &SecretValue) -> Result<Self, DecodeError> {
        let members = json::object_to_raw(object.expose())?;
        let parts =
            members.into_iter().map(|(name, text)| (text_of(&name), SecretValue::new(text))).collect();
        Ok(Self { kind: Part::Field, parts })
    }

    /// The form in which adapters give it.
    pub fn to_value(&self) -> SecretValue {
        let part = |(label, bytes): &(String, SecretValue)| {
            let bytes = base64::encode(Encoding::Standard, bytes.expose());
            Tree::List(vec![Tree::Text(label.clone().into_bytes()), Tree::Text(bytes.into_bytes())])
        };
        let kind: &[u8] = if self.kind == Part::Field { FIELDS } else { FILES };
        let parts = Tree::List(self.parts.iter().map(part).collect());
        // Texts in three levels always have a JSON form.
        SecretValue::new(
            json::encode(&Tree::Map([(kind.to_vec(), parts)].into()), Html::Keep).unwrap_or_default(),
        )
    }

    /// Out of the form in which adapters give it.
    ///
    /// # Errors
    /// The value has another form.
    pub fn of_value(value: &SecretValue) -> Result<Self, DecodeError> {
        let Tree::Map(mut members) = json::decode(value.expose())? else {
            return Err(DecodeError::NotAnObject);
        };
        let (kind, parts) = match (members.remove(FIELDS), members.remove(FILES)) {
            (Some(Tree::List(parts)), None) => (Part::Field, parts),
            (None, Some(Tree::List(parts))) => (Part::File, parts),
            _ => return Err(DecodeError::NotAnObject),
        };
        let part = |part: Tree| match part {
            Tree::List(pair) => match <[Tree; 2]>::try_from(pair) {
                Ok([Tree::Text(label), Tree::Text(bytes)]) => {
                    let bytes =
                        base64::decode(Encoding::Standard, &bytes).map_err(|_| DecodeError::NotText)?;
                    Ok((text_of(&label), SecretValue::new(bytes)))
                }
                _ => Err(DecodeError::NotText),
            },
            _ => Err(DecodeError::NotText),
        };
        Ok(Self { kind, parts: parts.into_iter().map(part).collect::<Result<_, _>>()? })
    }

    /// The part that a property names: the field of this label, of which there must be one; the first file of this name.
    /// Without a property the field `password`, or the first file.
    ///
    /// # Errors
    /// Several fields have the label.
    pub fn one(&self, property: Option<&str>) -> Result<Option<&SecretValue>, Repeated> {
        let label = property.map_or("", |property| Part::named(property).1);
        match self.kind {
            Part::File => {
                let meant = |(name, _): &&(String, SecretValue)| label.is_empty() || name == label;
                Ok(self.parts.iter().find(meant).map(|(_, bytes)| bytes))
            }
            Part::Field => {
                let label = if label.is_empty() { PASSWORD } else { label };
                let mut meant = self.parts.iter().filter(|(other, _)| other == label).map(|(_, bytes)| bytes);
                match (meant.next(), meant.next()) {
                    (_, Some(_)) => Err(Repeated(label.to_owned())),
                    (found, None) => Ok(found),
                }
            }
        }
    }

    /// Every part, or those that a property names, which may be none.
    ///
    /// # Errors
    /// Several fields that are taken have one label.
    pub fn every(&self, property: Option<&str>) -> Result<Vec<(&str, &SecretValue)>, Repeated> {
        let label = property.map_or("", |property| Part::named(property).1);
        let mut every: Vec<(&str, &SecretValue)> = Vec::new();
        for (name, bytes) in self.parts.iter().filter(|(name, _)| label.is_empty() || name == label) {
            if self.kind == Part::Field && every.iter().any(|(other, _)| other == name) {
                return Err(Repeated(name.clone()));
            }
            every.push((name.as_str(), bytes));
        }
        Ok(every)
    }
}

const FIELDS: &[u8] = b"fields";
const FILES: &[u8] = b"files";

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(kind: Part, parts: &[(&str, &[u8])]) -> Item {
        Item {
            kind,
            parts: parts.iter().map(|&(name, bytes)| (name.to_owned(), SecretValue::new(bytes))).collect(),
        }
    }

    #[test]
    fn items_survive_with_order_and_repetition() {
        for item in [
            item(Part::Field, &[("b", b"\xff\x00"), ("a", b"<x>"), ("b", b""), ("", b"1")]),
            item(Part::File, &[("a.txt", b"\x00")]),
            item(Part::Field, &[]),
        ] {
            assert_eq!(Item::of_value(&item.to_value()), Ok(item));
        }
        for broken in
            ["[]", "{}", r#"{"fields":1}"#, r#"{"fields":[["a"]]}"#, r#"{"fields":[["a","%"]]}"#, "plain"]
        {
            assert!(Item::of_value(&SecretValue::new(broken)).is_err(), "{broken}");
        }
    }

    #[test]
    fn one_field_or_the_first_file_is_meant() {
        let fields = item(
            Part::Field,
            &[("password", b"p"), ("a.b", b"1"), ("x", b"2"), ("x", b"3"), ("field/y", b"4")],
        );
        let files = item(Part::File, &[("a", b"1"), ("b", b"2"), ("a", b"3")]);
        let one = |item: &Item, property: Option<&str>| {
            item.one(property).map(|found| found.map(|found| found.expose_str().unwrap().to_owned()))
        };
        for (item, property, want) in [
            (&fields, None, Ok(Some("p"))),
            (&fields, Some("a.b"), Ok(Some("1"))),
            (&fields, Some("field/a.b"), Ok(Some("1"))),
            (&fields, Some("field/field/y"), Ok(Some("4"))),
            (&fields, Some("field/y"), Ok(None)),
            (&fields, Some("field/"), Ok(Some("p"))),
            (&fields, Some("gone"), Ok(None)),
            (&fields, Some("x"), Err(Repeated("x".to_owned()))),
            (&files, None, Ok(Some("1"))),
            (&files, Some("file/b"), Ok(Some("2"))),
            (&files, Some("a"), Ok(Some("1"))),
            (&files, Some("gone"), Ok(None)),
        ] {
            assert_eq!(one(item, property), want.map(|want| want.map(str::to_owned)), "{property:?}");
        }
        assert_eq!(fields.every(None), Err(Repeated("x".to_owned())));
        assert_eq!(fields.every(Some("password")).unwrap().len(), 1);
        assert!(fields.every(Some("gone")).unwrap().is_empty());
        assert_eq!(files.every(None).unwrap().len(), 3);
        assert_eq!(files.every(Some("b")).unwrap().len(), 1);
    }
}
