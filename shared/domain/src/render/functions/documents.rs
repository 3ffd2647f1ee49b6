//! `toYaml` and `fromYaml`.

use pawl_golang::json::Tree;
use pawl_golang::prices;
use pawl_golang::template::Functions;
use pawl_golang::value::{Element, Func, FuncError, MAX_TEXT, Map, Signature, Type, Value};
use pawl_golang::yaml::{self, YamlError};

pub(super) fn add_to(functions: &mut Functions) {
    let to_yaml = Func::new(Signature::exactly(&[Type::Any]), to_yaml);
    functions.insert("toYaml", to_yaml.with_cost_by(prices::as_yaml));
    let from_yaml = Func::new(Signature::exactly(&[Type::Str]), from_yaml);
    functions.insert("fromYaml", from_yaml.with_cost_by(prices::yaml).with_fresh_result());
}

/// What has no YAML form is nothing, as in ESO; what only we refuse is an error.
fn to_yaml(args: &[Value]) -> Result<Value, FuncError> {
    let tree = match Tree::try_from(args.first().unwrap_or(&Value::Nil)) {
        Ok(tree) => tree,
        Err(error) if is_limit(&error) => return Err(error),
        Err(_) => return Ok(Value::from("")),
    };
    let text = yaml::write(&tree).unwrap_or_default();
    if text.len() > MAX_TEXT {
        return Err(FuncError::too_large());
    }
    Ok(Value::from(text.strip_suffix('\n').unwrap_or(&text)))
}

/// A map; of what is no YAML or no map, the map has one entry that says so.
fn from_yaml(args: &[Value]) -> Result<Value, FuncError> {
    let text = args.first().and_then(Value::as_text).unwrap_or_default();
    if text.len() > MAX_TEXT {
        return Err(FuncError::too_large());
    }
    match yaml::read(text).map(Tree::with_floats) {
        Ok(map @ Tree::Map(_)) => Ok(Value::from(map)),
        Ok(Tree::Null) => Ok(Value::Map(Map::new(Element::Any))),
        Ok(_) => Ok(failed(&YamlError::NotAMapping)),
        Err(YamlError::TooLarge) => Err(FuncError::too_large()),
        Err(error) => Ok(failed(&error)),
    }
}

fn failed(error: &YamlError) -> Value {
    Value::dict([("Error", Value::from(error.to_string()))])
}

fn is_limit(error: &FuncError) -> bool {
    *error == FuncError::too_deep() || *error == FuncError::too_large()
}
