//! What an API's answer holds where a path leads to: one value, or the members of an object.

use super::extract::stringified_all;
use super::keys::Data;
use super::room::take_apart;
use crate::secret::SecretValue;
use pawl_golang::budget::{Budget, Exhausted};
use pawl_golang::json::{self, DecodeError, EncodeError, Html, Tree};
use pawl_golang::jsonpath::{JsonPath, NoValue, PathError};
use pawl_golang::number::{FloatBits, FloatFormat, format_float};
use std::borrow::Cow;

/// Why an answer gives no value. Nothing of the answer or the path is quoted.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoAnswer {
    /// The answer is no JSON.
    #[error("the answer is no JSON ({0})")]
    NotJson(DecodeError),
    /// The path is none.
    #[error("the path is none: {0}")]
    Path(PathError),
    /// What stands there is neither an object nor a text that is one.
    #[error("what stands there is no object, nor a text of JSON that is one")]
    NotAnObject,
    /// The path leads to nothing in it, or to an empty list.
    #[error("the path leads to nothing in the answer")]
    Nothing,
    /// What it leads to cannot be written.
    #[error("what the path leads to cannot be written ({0})")]
    Unwritten(EncodeError),
    /// It takes more than it may use.
    #[error("the answer {0}")]
    Exhausted(#[from] Exhausted),
}

/// The value that a path leads to in an answer, as ESO's webhook stores print it: of a list the first item, of a number what
/// stands before its point, rounded.
///
/// # Errors
/// [`NoAnswer`].
pub fn answered(path: &str, answer: &SecretValue, budget: &mut Budget) -> Result<SecretValue, NoAnswer> {
    let (path, document) = (JsonPath::parse(path).map_err(NoAnswer::Path)?, document(answer, budget)?);
    printed(&*found(&path, &document, budget)?).map(SecretValue::new)
}

/// The members of the object that a path leads to in an answer, or that the whole answer is where the path is empty, as ESO's
/// generator Webhook takes them. The object may stand in a text.
///
/// # Errors
/// [`NoAnswer`].
pub fn answered_members(path: &str, answer: &SecretValue, budget: &mut Budget) -> Result<Data, NoAnswer> {
    let mut object = document(answer, budget)?;
    if !path.is_empty() {
        let path = JsonPath::parse(path).map_err(NoAnswer::Path)?;
        object = found(&path, &object, budget)?.into_owned();
    }
    if let Tree::Text(text) = object {
        let text = SecretValue::new(text);
        object = document(&text, budget).map_err(|error| match error {
            NoAnswer::NotJson(_) => NoAnswer::NotAnObject,
            other => other,
        })?;
    }
    match object {
        Tree::Map(members) => Ok(stringified_all(members)),
        _ => Err(NoAnswer::NotAnObject),
    }
}

fn document(answer: &SecretValue, budget: &mut Budget) -> Result<Tree, NoAnswer> {
    budget.read(answer.len().saturating_mul(2))?;
    take_apart(answer, budget)?;
    json::decode(answer.expose()).map_err(NoAnswer::NotJson)
}

fn found<'v>(path: &'v JsonPath, document: &'v Tree, budget: &mut Budget) -> Result<Cow<'v, Tree>, NoAnswer> {
    path.find(document, budget).map_err(|error| match error {
        NoValue::Nothing => NoAnswer::Nothing,
        NoValue::Exhausted(exhausted) => NoAnswer::Exhausted(exhausted),
    })
}

/// Source: `extractSecretData` of ESO's webhook provider.
fn printed(value: &Tree) -> Result<Vec<u8>, NoAnswer> {
    let mut value = value;
    while let Tree::List(items) = value {
        value = items.first().ok_or(NoAnswer::Nothing)?;
    }
    Ok(match value {
        Tree::Null => Vec::new(),
        Tree::Bool(value) => value.to_string().into_bytes(),
        Tree::Int(value) => value.to_string().into_bytes(),
        Tree::Uint(value) => value.to_string().into_bytes(),
        Tree::Float(value) => format_float(*value, FloatFormat::Fixed, Some(0), FloatBits::B64).into_bytes(),
        Tree::Text(text) => text.clone(),
        nested @ (Tree::Map(_) | Tree::List(_)) => {
            json::encode(nested, Html::Escape).map_err(NoAnswer::Unwritten)?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What ESO's generator makes of the same answers.
    #[test]
    fn members_are_those_of_an_object_or_of_a_text_that_is_one() {
        let members = |path: &str, answer: &str| {
            let made = answered_members(path, &SecretValue::new(answer), &mut Budget::default())?;
            let text = |(key, value): (String, SecretValue)| {
                format!("{key}={}", value.expose_str().unwrap_or("not text"))
            };
            Ok::<_, NoAnswer>(made.into_iter().map(text).collect::<Vec<_>>().join(" "))
        };
        for (path, answer, want) in [
            (
                "",
                r#"{"a":"x","b":1.50,"c":true,"d":null,"e":12345678901234567890,"f":1e21}"#,
                "a=x b=1.5 c=true d= e=12345678901234567000 f=1000000000000000000000",
            ),
            ("", r#"{"a":{"z":1,"b":"<"},"c":[1,"x"]}"#, r#"a={"b":"\u003c","z":1} c=[1,"x"]"#),
            ("", r#""{\"a\":1}""#, "a=1"),
            ("$.data", r#"{"data":{"a":"x"},"b":1}"#, "a=x"),
            ("$.data", r#"{"data":"{\"a\":\"x\"}"}"#, "a=x"),
            ("$.data", r#"{"data":{}}"#, ""),
        ] {
            assert_eq!(members(path, answer).as_deref(), Ok(want), "{path} {answer}");
        }
        for (path, answer, want) in [
            ("$.data", r#"{"data":[{"a":1}]}"#, NoAnswer::NotAnObject),
            ("$.data", r#"{"data":"hunter2"}"#, NoAnswer::NotAnObject),
            ("$.data", r#"{"data":"\"x\""}"#, NoAnswer::NotAnObject),
            ("", "null", NoAnswer::NotAnObject),
            ("$.gone", "{}", NoAnswer::Nothing),
        ] {
            assert_eq!(members(path, answer), Err(want), "{path} {answer}");
        }
        assert!(matches!(members("", "<html>"), Err(NoAnswer::NotJson(_))));
        assert!(matches!(members("$[", "{}"), Err(NoAnswer::Path(_))));
    }
}
