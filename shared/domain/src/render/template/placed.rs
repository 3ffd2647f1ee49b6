//! Rendered texts become parts of an object that is no Secret.

use super::text;
use crate::content::{Placement, Token};
use crate::declaration::Manifest;
use crate::render::keys::Data;
use crate::secret::SecretValue;
use pawl_golang::json::Tree;
use pawl_golang::yaml::{self, YamlError};
use serde_json::{Number, Value};

/// The assembled map itself: in `data` of a ConfigMap, in `spec.data` of anything else.
pub(crate) fn whole(manifest: &Manifest, data: &Data) -> Vec<Placement> {
    let key = |key: &str| Token::Key(key.to_owned());
    let prefix = if manifest.is_config_map() { vec![key("data")] } else { vec![key("spec"), key("data")] };
    let place = |(name, value): (&String, &SecretValue)| {
        let path: Vec<_> = prefix.iter().cloned().chain([key(name)]).collect();
        Placement::replacing(path, text(value).into())
    };
    data.iter().map(place).collect()
}

/// Whether a path leads to what says which object it is, whose it is, or how it fares.
pub(super) fn is_reserved(path: &[Token]) -> bool {
    let reserved = ["apiVersion", "kind", "metadata", "status"];
    matches!(path.first(), Some(Token::Key(field)) if reserved.contains(&field.as_str()))
}

/// A rendered text at a path: as the YAML that it is, else as text.
pub(super) fn value(path: &[Token], key: &str, rendered: &SecretValue) -> Placement {
    // ESO puts it below `spec` by its key, and only there.
    if let [Token::Key(field)] = path
        && field == "spec"
    {
        let path = [path[0].clone(), Token::Key(key.to_owned())];
        return Placement::replacing(path, text(rendered).into());
    }
    let value = yaml::read(rendered.expose()).map_or_else(|_| text(rendered).into(), value_of);
    Placement::replacing(path, value)
}

/// A rendered YAML document at a path.
pub(super) fn document(path: &[Token], rendered: &[u8]) -> Result<Placement, YamlError> {
    Ok(Placement::merging(path, value_of(yaml::read(rendered)?)))
}

fn value_of(tree: Tree) -> Value {
    match tree {
        Tree::Null => Value::Null,
        Tree::Bool(value) => value.into(),
        Tree::Int(value) => value.into(),
        Tree::Uint(value) => value.into(),
        Tree::Float(value) => whole_number(value).unwrap_or_else(|| Number::from_f64(value).into()),
        Tree::Text(bytes) => text(&SecretValue::new(bytes)).into(),
        Tree::List(items) => items.into_iter().map(value_of).collect(),
        Tree::Map(members) => {
            members.into_iter().map(|(key, value)| (text(&SecretValue::new(key)), value_of(value))).collect()
        }
    }
}

/// A float without a fraction goes through JSON without one, and is read as an integer there.
fn whole_number(value: f64) -> Option<Value> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "every whole number up to this is exact in both")]
    let whole = || (value as i64).into();
    (value.fract() == 0.0 && value.abs() <= EXACT).then(whole)
}
