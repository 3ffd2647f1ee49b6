use super::{Ask, v2::Store};
use crate::vault::{
    call::Operation,
    json::{Json, Object},
    reply::{Outcome, Refusal},
};

impl Store {
    /// `delete/`, `undelete/` and `destroy/`, which name versions. A key or version that is not there is no error.
    pub(super) fn versions(&mut self, what: &str, ask: &Ask<'_>) -> Outcome {
        if !matches!(ask.operation, Operation::Create | Operation::Update) {
            return Err(Refusal::unsupported_operation());
        }
        let numbers = numbers(ask.data);
        if numbers.is_empty() {
            let letter = if what == "destroy" { 'n' } else { 'N' };
            return Err(Refusal::invalid(format!("{letter}o version number provided")));
        }
        let Some(key) = self.keys.get_mut(ask.path) else { return Ok(None) };
        let back = key.deletion(&self.settings, ask.now);
        for number in numbers {
            let Some(version) = key.versions.get_mut(&number) else { continue };
            match what {
                "destroy" => {
                    version.data = None;
                    version.destroyed = true;
                }
                "undelete" if !version.destroyed => version.deleted = back,
                "delete" if !version.is_gone(ask.now) => version.deleted = Some(ask.now),
                _ => {}
            }
        }
        Ok(None)
    }
}

/// A list of numbers, of strings, or one string with commas.
fn numbers(data: &Object) -> Vec<u64> {
    let parse = |text: &String| text.trim().parse().ok();
    match data.get("versions") {
        Some(Json::Array(elements)) => elements
            .iter()
            .filter_map(|element| match element {
                Json::Number(text) | Json::String(text) => parse(text),
                _ => None,
            })
            .collect(),
        Some(Json::String(text)) => {
            text.split(',').map(str::to_owned).filter_map(|text| parse(&text)).collect()
        }
        Some(Json::Number(text)) => parse(text).into_iter().collect(),
        _ => Vec::new(),
    }
}
