//! What an address asks for, and addresses that ask for it.

use std::collections::BTreeMap;
use url::form_urlencoded::{Serializer, parse};

/// Characters of one parameter that are looked at. What is longer names nothing that there is.
const LONGEST: usize = 1024;

/// The parameters of an address or of a form. Unknown ones are ignored, empty ones are as if they were not there.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Params(BTreeMap<String, String>);

impl Params {
    pub(crate) fn of(text: &str) -> Self {
        let pairs = parse(text.as_bytes()).filter(|(_, value)| !value.trim().is_empty());
        Self(
            pairs
                .map(|(name, value)| (name.into_owned(), value.trim().chars().take(LONGEST).collect()))
                .collect(),
        )
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The same with this parameter in addition.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// The same without this parameter.
    #[must_use]
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    /// The address of a page that is asked so.
    pub(crate) fn href(&self, path: &str) -> String {
        if self.0.is_empty() {
            return path.to_owned();
        }
        format!("{path}?{}", Serializer::new(String::new()).extend_pairs(&self.0).finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lead_to_what_they_were_made_from() {
        let params = Params::of("key=app%2Fdb+x&empty=&blank=+&a=1&a=2");
        assert_eq!(
            (params.get("key"), params.get("empty"), params.get("blank")),
            (Some("app/db x"), None, None)
        );
        let params = params.with("after", "b/s/\"<&>").without("a");
        let href = params.href("/console/keys");
        assert_eq!(Params::of(href.split_once('?').unwrap().1), params);
        assert!(!href.contains(['"', '<', '>', ' ']), "{href}");
        assert_eq!(Params::default().href("/console"), "/console");
        assert_eq!(Params::of(&format!("a={}", "x".repeat(5000))).get("a").unwrap().len(), LONGEST);
    }
}
