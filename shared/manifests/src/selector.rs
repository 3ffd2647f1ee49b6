//! Label selectors, as text (`tier=prod,region in (eu,us),!legacy`) and as fields (`matchLabels`, `matchExpressions`).

use super::reader::Fields;
use pawl_domain::store::{LabelOperator, LabelRequirement, LabelSelector};
use std::collections::BTreeSet;

/// Reads a selector in the words of `kubectl get -l`.
///
/// # Errors
/// What is wrong with it, for a person.
pub(super) fn parse(text: &str) -> Result<LabelSelector, String> {
    let expressions: Result<Vec<_>, String> = requirements(text).into_iter().map(requirement).collect();
    Ok(LabelSelector { expressions: expressions?, ..LabelSelector::default() })
}

/// Splits at the commas outside parentheses.
fn requirements(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let outside = |letter: char| {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    };
    text.split(outside).map(str::trim).collect()
}

fn requirement(text: &str) -> Result<LabelRequirement, String> {
    if let Some(key) = text.strip_prefix('!') {
        return required(key, LabelOperator::DoesNotExist, text);
    }
    if let Some((key, value)) = text.split_once("!=") {
        return required(key, LabelOperator::NotIn(values(value, text)?), text);
    }
    if let Some((key, value)) = text.split_once('=') {
        let value = value.strip_prefix('=').unwrap_or(value);
        return required(key, LabelOperator::In(values(value, text)?), text);
    }
    if let Some((key, list)) = text.split_once(char::is_whitespace) {
        let list = list.trim();
        let listed = |word| list.strip_prefix(word)?.trim().strip_prefix('(')?.strip_suffix(')');
        if let Some(inner) = listed("notin") {
            return required(key, LabelOperator::NotIn(values(inner, text)?), text);
        }
        if let Some(inner) = listed("in") {
            return required(key, LabelOperator::In(values(inner, text)?), text);
        }
    }
    required(text, LabelOperator::Exists, text)
}

fn required(key: &str, operator: LabelOperator, text: &str) -> Result<LabelRequirement, String> {
    let key = key.trim();
    if key.is_empty() || !key.chars().all(|c| in_label(c) || c == '/') {
        return Err(wrong(text));
    }
    Ok(LabelRequirement { key: key.to_owned(), operator })
}

fn values(list: &str, text: &str) -> Result<BTreeSet<String>, String> {
    let values: BTreeSet<String> = list.split(',').map(|value| value.trim().to_owned()).collect();
    if values.iter().any(|value| !value.chars().all(in_label)) {
        return Err(wrong(text));
    }
    Ok(values)
}

fn in_label(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.')
}

fn wrong(text: &str) -> String {
    let text = super::reader::shortened(text);
    format!("{text:?} is no label requirement; write it as a=b, a!=b, a in (b,c), a notin (b,c), a or !a")
}

/// Reads a `metav1.LabelSelector`.
pub(super) fn read(mut fields: Fields<'_>) -> LabelSelector {
    let labels = fields.text_map("matchLabels");
    let expressions = fields.objects("matchExpressions").into_iter().filter_map(expression).collect();
    fields.close();
    LabelSelector { labels, expressions }
}

fn expression(mut fields: Fields<'_>) -> Option<LabelRequirement> {
    let key = fields.required("key", "the label's key").map(str::to_owned);
    fields.required("operator", "In, NotIn, Exists or DoesNotExist");
    let operators = [("In", 0), ("NotIn", 1), ("Exists", 2), ("DoesNotExist", 3)];
    let operator = fields.choice("operator", &operators);
    let values: BTreeSet<String> = fields.texts("values").into_iter().collect();
    let wants_values = operator.is_some_and(|operator| operator < 2);
    if operator.is_some() && wants_values == values.is_empty() {
        let message = if wants_values { "are missing" } else { "do not go with this operator" };
        fields.error("values", message);
    }
    fields.close();
    let operator = match operator? {
        0 => LabelOperator::In(values),
        1 => LabelOperator::NotIn(values),
        2 => LabelOperator::Exists,
        _ => LabelOperator::DoesNotExist,
    };
    Some(LabelRequirement { key: key?, operator })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_match_as_kubectl_reads_them() {
        let labels = [("tier", "prod"), ("region", "eu"), ("x.dev/on", "")];
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        for (text, matches) in [
            ("tier=prod", true),
            ("tier==prod", true),
            (" tier = prod , region=eu", true),
            ("tier=prod,region=us", false),
            ("tier!=prod", false),
            ("zone!=a", true),
            ("region in (us, eu)", true),
            ("region in(us,eu),tier", true),
            ("region notin (us,eu)", false),
            ("zone notin (a)", true),
            ("x.dev/on", true),
            ("x.dev/on=", true),
            ("!x.dev/on", false),
            ("! zone", true),
            ("zone", false),
        ] {
            assert_eq!(parse(text).unwrap().matches(&labels), matches, "{text}");
        }
    }

    #[test]
    fn selectors_that_say_nothing_clear_are_refused() {
        for text in
            ["", ",", "a=b,", "=b", "a in b", "a in (b", "a b", "a=b=c", "a=b c", "a > 1", "!", "a in (b c)"]
        {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
