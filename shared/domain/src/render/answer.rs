//! The one value that an API's answer holds, where a path leads to it.

use super::room::take_apart;
use crate::secret::SecretValue;
use pawl_golang::budget::{Budget, Exhausted};
use pawl_golang::json::{self, DecodeError, EncodeError, Html, Tree};
use pawl_golang::jsonpath::{JsonPath, NoValue, PathError};
use pawl_golang::number::{FloatBits, FloatFormat, format_float};

/// Why an answer gives no value. Nothing of the answer or the path is quoted.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoAnswer {
    /// The answer is no JSON.
    #[error("the answer is no JSON ({0})")]
    NotJson(DecodeError),
    /// The path is none.
    #[error("the path is none: {0}")]
    Path(PathError),
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
    let path = JsonPath::parse(path).map_err(NoAnswer::Path)?;
    budget.read(answer.len().saturating_mul(2))?;
    take_apart(answer, budget)?;
    let document = json::decode(answer.expose()).map_err(NoAnswer::NotJson)?;
    let found = path.find(&document, budget).map_err(|error| match error {
        NoValue::Nothing => NoAnswer::Nothing,
        NoValue::Exhausted(exhausted) => NoAnswer::Exhausted(exhausted),
    })?;
    printed(&found).map(SecretValue::new)
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
