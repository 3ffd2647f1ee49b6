//! A strict reader of HTML: tags are closed in order, attributes are quoted and stand once, ids are unique and what refers to
//! them finds them, tables have headings with a scope, fields have labels, and nothing is loaded or run from elsewhere.

use std::collections::{BTreeMap, BTreeSet};

const VOID: [&str; 5] = ["meta", "link", "input", "br", "hr"];
/// Attributes that name ids.
const REFERENCES: [&str; 4] = ["for", "aria-labelledby", "aria-describedby", "list"];

struct Tag<'a> {
    name: &'a str,
    attributes: BTreeMap<&'a str, &'a str>,
}

/// Panics where the text is not such HTML.
pub(crate) fn check(what: &str, text: &str) {
    let rest = text.strip_prefix("<!DOCTYPE html>").unwrap_or_else(|| panic!("{what}: no doctype: {text}"));
    let (mut open, mut tags): (Vec<&str>, Vec<Tag<'_>>) = (Vec::new(), Vec::new());
    let mut parts = rest.split('<');
    assert_eq!(parts.next(), Some(""), "{what}: text before the document");
    for part in parts {
        let (inner, after) = part.split_once('>').unwrap_or_else(|| panic!("{what}: <{part} has no end"));
        assert!(!after.contains('>'), "{what}: a bare > in {after:?}");
        references(what, after);
        if let Some(name) = inner.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{what}: </{name}> closes another one");
            continue;
        }
        let tag = tag(what, inner);
        if !VOID.contains(&tag.name) {
            open.push(tag.name);
        }
        tags.push(tag);
    }
    assert!(open.is_empty(), "{what}: {open:?} are not closed");
    rules(what, &tags);
}

fn tag<'a>(what: &str, inner: &'a str) -> Tag<'a> {
    let (name, mut rest) = inner.split_once(' ').unwrap_or((inner, ""));
    assert!(
        !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric()),
        "{what}: <{inner}>"
    );
    let mut attributes = BTreeMap::new();
    while !rest.trim().is_empty() {
        rest = rest.trim_start();
        let end = rest.find(['=', ' ']).unwrap_or(rest.len());
        let (key, behind) = rest.split_at(end);
        let value = match behind.strip_prefix("=\"") {
            Some(behind) => {
                let (value, behind) = behind.split_once('"').unwrap_or_else(|| panic!("{what}: {inner}"));
                rest = behind;
                value
            }
            None => {
                assert!(!behind.starts_with('='), "{what}: {inner}: a value without quotes");
                rest = behind;
                ""
            }
        };
        references(what, value);
        assert!(attributes.insert(key, value).is_none(), "{what}: {inner}: {key} stands twice");
    }
    Tag { name, attributes }
}

/// Each & begins a reference that the templates write.
fn references(what: &str, text: &str) {
    for behind in text.split('&').skip(1) {
        let known = ["amp;", "lt;", "gt;", "quot;"].iter().any(|name| behind.starts_with(name));
        assert!(known, "{what}: a bare & in {text:?}");
    }
}

fn rules(what: &str, tags: &[Tag<'_>]) {
    let mut ids = BTreeSet::new();
    for tag in tags {
        if let Some(id) = tag.attributes.get("id") {
            assert!(ids.insert(*id), "{what}: the id {id} stands twice");
        }
    }
    let labelled: BTreeSet<&str> = tags
        .iter()
        .filter(|tag| tag.name == "label")
        .filter_map(|tag| tag.attributes.get("for").copied())
        .collect();
    let count = |name: &str| tags.iter().filter(|tag| tag.name == name).count();
    for landmark in ["html", "head", "title", "body", "header", "main", "footer", "h1"] {
        assert_eq!(count(landmark), 1, "{what}: <{landmark}>");
    }
    for tag in tags {
        assert!(
            !["script", "iframe", "object", "embed", "style", "base"].contains(&tag.name),
            "{what}: <{}>",
            tag.name
        );
        for (key, value) in &tag.attributes {
            assert!(!key.starts_with("on") && *key != "style", "{what}: {key}");
            for id in value.split(' ').filter(|_| REFERENCES.contains(key)) {
                assert!(ids.contains(id), "{what}: {key}={id} finds nothing");
            }
            if ["href", "src", "action"].contains(key) {
                let here = value.starts_with("/console") || *value == "#main";
                assert!(here && !value.starts_with("//"), "{what}: {key}={value}");
            }
        }
        match tag.name {
            "th" => assert!(tag.attributes.contains_key("scope"), "{what}: a heading without a scope"),
            "input" | "select" => {
                assert!(labelled.contains(tag.attributes["id"]), "{what}: a field without a label")
            }
            "nav" | "svg" => {
                let named =
                    ["aria-label", "aria-labelledby"].iter().any(|key| tag.attributes.contains_key(key));
                assert!(named, "{what}: <{}> has no name", tag.name);
            }
            _ => {}
        }
    }
}

#[test]
fn what_is_wrong_is_found() {
    let page = |body: &str| {
        format!(
            "<!DOCTYPE html><html><head><title>t</title></head><body><header></header>\
             <main id=\"main\"><h1>h</h1>{body}</main><footer></footer></body></html>"
        )
    };
    check("a good page", &page("<p class=\"a\">x &lt; y</p><a href=\"/console/keys?a=1&amp;b=2\">k</a>"));
    for body in [
        "<p>",
        "</p>",
        "<b><i></b></i>",
        "<p>a & b</p>",
        "<p>a > b</p>",
        "<p class=a></p>",
        "<p class=\"a\" class=\"b\"></p>",
        "<p id=\"main\"></p>",
        "<script></script>",
        "<p onclick=\"x\"></p>",
        "<p style=\"x\"></p>",
        "<a href=\"https://example.com\">x</a>",
        "<a href=\"javascript:x\">x</a>",
        "<table><tr><th>x</th></tr></table>",
        "<input id=\"a\">",
        "<label for=\"a\">x</label>",
        "<nav></nav>",
        "<h1>another</h1>",
    ] {
        let page = page(body);
        let checked = std::panic::catch_unwind(|| check("a bad page", &page));
        assert!(checked.is_err(), "{body} passes");
    }
}
