//! Documents as values, and values as documents.

use super::{FuncError, MAX_ITEMS, MAX_NESTING, MAX_TEXT, Value};
use crate::json::Tree;

impl From<Tree> for Value {
    /// The value that Go gets when it reads the document into an `interface{}`.
    fn from(tree: Tree) -> Self {
        match tree {
            Tree::Null => Self::Nil,
            Tree::Bool(value) => Self::Bool(value),
            Tree::Int(value) => Self::Int64(value),
            Tree::Uint(value) => Self::Uint(value),
            Tree::Float(value) => Self::Float(value),
            Tree::Text(text) => Self::from(text),
            Tree::List(items) => Self::list(items.into_iter().map(Self::from).collect()),
            Tree::Map(members) => {
                Self::dict(members.into_iter().map(|(key, value)| (key, Self::from(value))))
            }
        }
    }
}

impl TryFrom<&Value> for Tree {
    type Error = FuncError;

    /// The document that Go's `json.Marshal` sees in the value.
    ///
    /// # Errors
    /// The value has no JSON form, is nested too deeply, or would make too large a document.
    fn try_from(value: &Value) -> Result<Self, FuncError> {
        tree(value, 0, &mut 0)
    }
}

fn tree(value: &Value, depth: usize, work: &mut usize) -> Result<Tree, FuncError> {
    *work += 1;
    if depth > MAX_NESTING {
        return Err(FuncError::too_deep());
    }
    if *work > MAX_ITEMS {
        return Err(FuncError::too_large());
    }
    Ok(match value {
        Value::Nil => Tree::Null,
        Value::Bool(value) => Tree::Bool(*value),
        Value::Int(value) | Value::Int64(value) => Tree::Int(*value),
        Value::Uint(value) => i64::try_from(*value).map_or(Tree::Uint(*value), Tree::Int),
        Value::Byte(value) => Tree::Int((*value).into()),
        Value::Float(value) => Tree::Float(*value),
        Value::Str(text) => {
            // Texts may take as much room as items: a shared one is copied for each place that it has.
            *work += text.len() / (MAX_TEXT / MAX_ITEMS);
            Tree::Text(text.to_vec())
        }
        Value::List(list) if list.is_nil() => Tree::Null,
        Value::List(list) => {
            let items: Result<_, _> = list.items().iter().map(|item| tree(item, depth + 1, work)).collect();
            Tree::List(items?)
        }
        Value::Map(map) => {
            let entries = map.entries();
            let members: Result<_, FuncError> = entries
                .iter()
                .map(|(key, value)| Ok((key.to_vec(), tree(value, depth + 1, work)?)))
                .collect();
            Tree::Map(members?)
        }
        Value::Object(object) => match object.json().or_else(|| object.underlying()) {
            Some(value) => tree(&value, depth + 1, work)?,
            None => {
                let fields = object.fields().into_iter();
                let members: Result<_, FuncError> =
                    fields.map(|(name, value)| Ok((name.into(), tree(&value, depth + 1, work)?))).collect();
                Tree::Map(members?)
            }
        },
        Value::Complex(..) | Value::Func(_) => {
            return Err(FuncError::new(format!("json: unsupported type: {}", value.type_name())));
        }
    })
}
