//! Label and field selectors.

use serde_json::Value;

use crate::kinds::Kind;
use crate::status::{Answer, Failure};
use crate::store::text;

/// Both selectors of a list, watch or deletecollection.
#[derive(Debug, Default)]
pub(crate) struct Selector {
    labels: Vec<Requirement>,
    /// JSON pointer, value, whether it must be equal.
    fields: Vec<(String, String, bool)>,
}

#[derive(Debug)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
}

impl Selector {
    /// Parses `labelSelector` and `fieldSelector`; absent ones are empty.
    ///
    /// # Errors
    /// 400 for what does not parse or names a field that the kind does not select by.
    pub(crate) fn parse(kind: &Kind, labels: &str, fields: &str) -> Answer<Self> {
        let labels = split_outside_parens(labels)
            .filter(|part| !part.trim().is_empty())
            .map(|part| parse_requirement(part.trim()))
            .collect::<Answer<_>>()?;
        let fields = fields
            .split(',')
            .filter(|part| !part.is_empty())
            .map(|part| parse_field(kind, part))
            .collect::<Answer<_>>()?;
        Ok(Self { labels, fields })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Whether a stored object is selected.
    pub(crate) fn matches(&self, object: &Value) -> bool {
        let label = |key: &str| object.get("metadata")?.get("labels")?.get(key)?.as_str();
        self.labels.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => label(key).is_some_and(|v| values.iter().any(|w| w == v)),
            Requirement::NotIn(key, values) => label(key).is_none_or(|v| values.iter().all(|w| w != v)),
            Requirement::Exists(key) => label(key).is_some(),
            Requirement::Missing(key) => label(key).is_none(),
        }) && self.fields.iter().all(|(at, value, equal)| (text(object, at) == value) == *equal)
    }
}

fn split_outside_parens(selector: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    selector.split(move |c| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
}

fn parse_requirement(part: &str) -> Answer<Requirement> {
    let refuse = |found: &str| {
        Failure::bad_request(format!("unable to parse requirement: found '{found}', expected: identifier"))
    };
    if let Some((key, values)) = part.strip_suffix(')').and_then(|part| part.split_once('(')) {
        let values = values.split(',').map(|v| v.trim().to_owned()).collect();
        return match key.trim().rsplit_once(char::is_whitespace) {
            Some((key, "in")) => Ok(Requirement::In(key.trim().to_owned(), values)),
            Some((key, "notin")) => Ok(Requirement::NotIn(key.trim().to_owned(), values)),
            _ => Err(refuse("(")),
        };
    }
    if let Some((key, value)) = part.split_once("!=") {
        return Ok(Requirement::NotIn(key.trim().to_owned(), vec![value.trim().to_owned()]));
    }
    if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        let value = value.trim();
        if value.starts_with('=') {
            return Err(refuse("="));
        }
        return Ok(Requirement::In(key.trim().to_owned(), vec![value.to_owned()]));
    }
    if let Some(key) = part.strip_prefix('!') {
        return Ok(Requirement::Missing(key.trim().to_owned()));
    }
    if let Some(next) = part.split_whitespace().nth(1) {
        let message =
            format!("unable to parse requirement: found '{next}', expected: in, notin, =, ==, !=, gt, lt");
        return Err(Failure::bad_request(message));
    }
    Ok(Requirement::Exists(part.to_owned()))
}

fn parse_field(kind: &Kind, part: &str) -> Answer<(String, String, bool)> {
    let (field, value, equal) = match part.split_once("!=") {
        Some((field, value)) => (field, value, false),
        None => match part.split_once("==").or_else(|| part.split_once('=')) {
            Some((field, value)) => (field, value, true),
            None => {
                let message = format!("invalid selector: '{part}'; can't understand '{part}'");
                return Err(Failure::bad_request(message));
            }
        },
    };
    let known = match (kind.storage, field) {
        (_, "metadata.name" | "metadata.namespace")
        | ("secrets", "type")
        | ("namespaces", "status.phase")
        | ("events", "type" | "reason" | "reportingComponent") => true,
        ("events", field) => field.starts_with("involvedObject."),
        _ => false,
    };
    if !known {
        return Err(Failure::bad_request(format!("field label not supported: {field}")));
    }
    Ok((format!("/{}", field.replace('.', "/")), value.to_owned(), equal))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn label_selectors_select_as_kubectl_means_them() {
        let object = json!({"metadata": {"labels": {"a": "1", "b.c/d": "x"}}});
        for (selector, expected) in [
            ("", true),
            ("a=1", true),
            ("a==1,b.c/d=x", true),
            ("a=2", false),
            ("a!=2", true),
            ("missing!=2", true),
            ("a", true),
            ("!a", false),
            ("!missing", true),
            ("a in (1,2), b.c/d", true),
            ("a notin (1,2)", false),
            ("missing notin (1)", true),
            ("missing in (1)", false),
        ] {
            let parsed = Selector::parse(&crate::kinds::KINDS[0], selector, "").unwrap();
            assert_eq!(parsed.matches(&object), expected, "{selector}");
        }
    }
}
