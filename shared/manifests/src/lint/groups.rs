//! The groups of a pattern, and those that a replacement names.

use std::collections::BTreeSet;

/// The numbers and names of a pattern's groups; 0 is all that it matches.
pub(super) fn of(pattern: &str) -> BTreeSet<String> {
    let mut groups = BTreeSet::from(["0".to_owned()]);
    let mut count = 0;
    let mut rest = pattern;
    let mut within_class = false;
    while let Some(character) = rest.chars().next() {
        let after = &rest[character.len_utf8()..];
        rest = match character {
            '\\' if after.starts_with('Q') => after.find("\\E").map_or("", |end| &after[end + 2..]),
            '\\' => after.char_indices().nth(1).map_or("", |(next, _)| &after[next..]),
            // The first of a class may be the bracket itself.
            '[' if !within_class => {
                within_class = true;
                let after = after.strip_prefix('^').unwrap_or(after);
                after.strip_prefix(']').unwrap_or(after)
            }
            ']' => {
                within_class = false;
                after
            }
            '(' if !within_class => {
                let name = after.strip_prefix("?P<").or_else(|| after.strip_prefix("?<"));
                if name.is_some() || !after.starts_with('?') {
                    count += 1;
                    groups.insert(count.to_string());
                }
                groups.extend(name.and_then(|name| name.split_once('>')).map(|(name, _)| name.to_owned()));
                after
            }
            _ => after,
        };
    }
    groups
}

/// The groups that a replacement names. Source: Go's `Regexp.Expand`: after `$` the longest run of letters, digits and
/// underscores is the name, or what stands in braces; `$$` is a dollar sign.
pub(super) fn named(replacement: &str) -> BTreeSet<String> {
    let mut groups = BTreeSet::new();
    let mut rest = replacement;
    while let Some((_, after)) = rest.split_once('$') {
        let of_name =
            |text: &str| text.find(|it: char| !it.is_alphanumeric() && it != '_').unwrap_or(text.len());
        rest = after;
        if let Some(after) = after.strip_prefix('$') {
            rest = after;
        } else if let Some(braced) = after.strip_prefix('{') {
            let end = of_name(braced);
            if end > 0 && braced[end..].starts_with('}') {
                groups.insert(braced[..end].to_owned());
            }
        } else if of_name(after) > 0 {
            groups.insert(after[..of_name(after)].to_owned());
        }
    }
    groups
}
