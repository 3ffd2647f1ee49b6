//! `--selector`: labels as `kubectl` takes them.

use crate::error::Error;
use pawl_domain::Declaration;
use pawl_domain::store::{LabelOperator, LabelRequirement, LabelSelector};
use std::collections::BTreeSet;

/// The declarations whose ExternalSecrets have labels that match.
///
/// # Errors
/// The text is no selector.
pub(super) fn chosen(selector: Option<&str>) -> Result<impl Fn(&Declaration) -> bool, Error> {
    let selector = selector.map(parse).transpose()?.unwrap_or_default();
    Ok(move |each: &Declaration| selector.matches(&each.labels))
}

/// `a=b,c!=d,e,!f,g in (h, i),j notin (k)`.
fn parse(text: &str) -> Result<LabelSelector, Error> {
    let expressions = parts(text).into_iter().map(|part| {
        requirement(part.trim()).ok_or_else(|| {
            Error::Usage(format!(
                "--selector: {:?} is no requirement; write key=value, key!=value, key, !key, key in (a,b) or key notin (a,b)",
                part.trim()
            ))
        })
    });
    Ok(LabelSelector { expressions: expressions.collect::<Result<_, _>>()?, ..LabelSelector::default() })
}

/// At the commas that are in no parentheses.
fn parts(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let at_comma = move |letter: char| {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    };
    text.split(at_comma).collect()
}

fn requirement(part: &str) -> Option<LabelRequirement> {
    let one = |value: &str| BTreeSet::from([value.trim().to_owned()]);
    let (key, operator) = if let Some((key, value)) = part.split_once("!=") {
        (key, LabelOperator::NotIn(one(value)))
    } else if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        (key, LabelOperator::In(one(value)))
    } else if let Some((key, values)) = part.split_once(" notin ") {
        (key, LabelOperator::NotIn(listed(values)?))
    } else if let Some((key, values)) = part.split_once(" in ") {
        (key, LabelOperator::In(listed(values)?))
    } else if let Some(key) = part.strip_prefix('!') {
        (key, LabelOperator::DoesNotExist)
    } else {
        (part, LabelOperator::Exists)
    };
    let key = key.trim();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
    let known = !key.is_empty() && key.chars().all(plain);
    known.then(|| LabelRequirement { key: key.to_owned(), operator })
}

fn listed(values: &str) -> Option<BTreeSet<String>> {
    let values = values.trim().strip_prefix('(')?.strip_suffix(')')?;
    Some(values.split(',').map(|value| value.trim().to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_choose_as_those_of_kubectl_do() {
        let labels = [("team", "shop"), ("tier", "prod")];
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        for (text, matches) in [
            ("team=shop", true),
            ("team==shop, tier = prod", true),
            ("team=other", false),
            ("team!=other", true),
            ("absent!=other", true),
            ("team", true),
            ("absent", false),
            ("!absent,team", true),
            ("!team", false),
            ("tier in (dev, prod),team=shop", true),
            ("tier notin (dev,prod)", false),
            ("tier in (dev)", false),
        ] {
            assert_eq!(parse(text).unwrap().matches(&labels), matches, "{text}");
        }
        for text in ["", "=x", "a b", "a in b", "a,,b", "a in (b"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
