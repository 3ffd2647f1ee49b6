//! The names of parameters: plain, as ARN, and with a version or label behind a colon.

use pawl_domain::VersionSelector;
use pawl_domain::provider::Arn;
use pawl_ports::Wanted;

/// The name with which a version of a key is asked for, as in `/app/db:3`. Source: API reference of GetParameter.
///
/// A selector that stands in the key already is not put there again. Where the declaration names another one beside it,
/// both are sent, as ESO does, and AWS refuses.
pub(super) fn with_selector(wanted: &Wanted) -> String {
    match &wanted.selector {
        VersionSelector::Label(selector) | VersionSelector::Id(selector)
            if in_key(&wanted.key) != Some(selector.as_str()) =>
        {
            format!("{}:{selector}", wanted.key)
        }
        _ => wanted.key.clone(),
    }
}

/// The selector that stands in a key itself.
fn in_key(key: &str) -> Option<&str> {
    key.strip_prefix(base(key))?.strip_prefix(':')
}

/// The key without a version or label that stands in the key itself: names cannot contain colons.
pub(super) fn base(key: &str) -> &str {
    let end = match Arn::parse(key) {
        Some(arn) => arn.resource.find(':').map(|at| key.len() - arn.resource.len() + at),
        None => key.find(':'),
    };
    end.map_or(key, |end| &key[..end])
}

/// What a key's name and ARN have in common: the name without a slash at its beginning.
pub(super) fn bare(key: &str) -> &str {
    let key = base(key);
    let name = Arn::parse(key).and_then(|arn| arn.resource.strip_prefix("parameter"));
    name.unwrap_or(key).trim_start_matches('/')
}

/// The names that a key may mean: an ARN does not tell whether a name without levels begins with a slash.
pub(super) fn names(key: &str) -> Vec<String> {
    let key = base(key);
    let Some(arn) = Arn::parse(key) else { return vec![key.to_owned()] };
    let Some(path) = arn.resource.strip_prefix("parameter/") else { return Vec::new() };
    let slashed = format!("/{path}");
    if path.contains('/') { vec![slashed] } else { vec![path.to_owned(), slashed] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pawl_ports::Part;

    #[test]
    fn keys_are_taken_apart() {
        let arn = "arn:aws:ssm:eu-central-1:123456789012:parameter";
        for (key, name, meant) in [
            ("/a/b", "/a/b", &["/a/b"][..]),
            ("/a/b:3", "/a/b", &["/a/b"]),
            ("foo", "foo", &["foo"]),
            (&format!("{arn}/a/b"), &format!("{arn}/a/b"), &["/a/b"]),
            (&format!("{arn}/foo:live"), &format!("{arn}/foo"), &["foo", "/foo"]),
            (
                "arn:aws:ssm:eu-central-1:123456789012:document/x",
                "arn:aws:ssm:eu-central-1:123456789012:document/x",
                &[],
            ),
        ] {
            assert_eq!(
                (base(key), names(key)),
                (name, meant.iter().map(|&name| name.to_owned()).collect()),
                "{key}"
            );
        }
    }

    #[test]
    fn a_name_and_its_arn_have_the_bare_name_in_common() {
        let arn = "arn:aws:ssm:eu-central-1:123456789012:parameter/a/b:3";
        for key in ["/a/b", "/a/b:live", arn] {
            assert_eq!(bare(key), "a/b", "{key}");
        }
        assert_eq!(bare("foo"), "foo");
    }

    #[test]
    fn selectors_stand_behind_a_colon() {
        for (selector, name) in [
            (VersionSelector::Current, "/a"),
            (VersionSelector::Id("3".into()), "/a:3"),
            (VersionSelector::Label("live".into()), "/a:live"),
        ] {
            assert_eq!(with_selector(&Wanted { key: "/a".into(), selector, part: Part::Value }), name);
        }
        let arn = "arn:aws:ssm:eu-central-1:123456789012:parameter/a:live";
        for (key, selector, name) in [
            ("/a:live", VersionSelector::Label("live".into()), "/a:live"),
            ("/a:3", VersionSelector::Id("3".into()), "/a:3"),
            ("/a:3", VersionSelector::Label("live".into()), "/a:3:live"),
            (arn, VersionSelector::Label("live".into()), arn),
        ] {
            assert_eq!(with_selector(&Wanted { key: key.into(), selector, part: Part::Value }), name);
        }
    }
}
