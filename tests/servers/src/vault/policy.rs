//! Policies: which operations on which paths.

use super::call::Operation;

/// A policy as it is written in HCL: `path "…" { capabilities = ["…"] }`, any number of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Policy {
    pub(crate) text: String,
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    /// `*` at the end matches anything that follows, `+` one segment.
    pattern: String,
    capabilities: Vec<String>,
}

/// What every token may do unless it was made without.
pub(crate) const DEFAULT: &str = r#"
path "auth/token/lookup-self" { capabilities = ["read"] }
path "auth/token/renew-self" { capabilities = ["update"] }
path "auth/token/revoke-self" { capabilities = ["update"] }
"#;

impl Policy {
    /// Reads a policy. None when a block has no end or a path no capabilities.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let code: String = text.lines().map(|line| line.split('#').next().unwrap_or_default()).collect();
        let mut rules = Vec::new();
        let mut rest = code.trim();
        while !rest.is_empty() {
            let (pattern, after) = quoted(rest.strip_prefix("path")?)?;
            let (block, after) = after.trim_start().strip_prefix('{')?.split_once('}')?;
            let (_, list) = block.split_once("capabilities")?;
            let (mut list, _) = list.split_once('[')?.1.split_once(']')?;
            let mut capabilities = Vec::new();
            while let Some((capability, after)) = quoted(list) {
                capabilities.push(capability.to_owned());
                list = after;
            }
            rules.push(Rule { pattern: pattern.to_owned(), capabilities });
            rest = after.trim();
        }
        Some(Self { text: text.to_owned(), rules })
    }

    /// Whether any rule grants something at or below a path.
    pub(crate) fn touches(&self, prefix: &str) -> bool {
        self.rules.iter().any(|rule| {
            let literal = rule.pattern.trim_end_matches('*');
            let denied = rule.capabilities.iter().any(|capability| capability == "deny");
            !denied
                && (literal.starts_with(prefix)
                    || (rule.pattern.ends_with('*') && prefix.starts_with(literal)))
        })
    }
}

/// The names of the policies that grant the operation; none denies it. Among the rules that match, the most specific decides.
pub(crate) fn granting<'name>(
    policies: &[(&'name str, &Policy)],
    path: &str,
    operation: Operation,
) -> Vec<&'name str> {
    let matching = |rule: &&Rule| {
        matches(&rule.pattern, path)
            || (operation == Operation::List
                && path.strip_suffix('/').is_some_and(|path| matches(&rule.pattern, path)))
    };
    let rules =
        || policies.iter().flat_map(|(name, policy)| policy.rules.iter().map(move |rule| (*name, rule)));
    let best = rules().map(|(_, rule)| rule).filter(matching).map(weight).max();
    let deciding: Vec<_> = rules().filter(|(_, rule)| matching(rule) && Some(weight(rule)) == best).collect();
    let has = |rule: &Rule, wanted: &str| rule.capabilities.iter().any(|capability| capability == wanted);
    if deciding.iter().any(|(_, rule)| has(rule, "deny")) {
        return Vec::new();
    }
    deciding.into_iter().filter(|(_, rule)| has(rule, operation.name())).map(|(name, _)| name).collect()
}

/// An exact pattern before any other, then the one with more text before its first wildcard, then the longer one.
fn weight(rule: &Rule) -> (bool, usize, usize) {
    let wild = rule.pattern.find(['*', '+']);
    (wild.is_none(), wild.unwrap_or(rule.pattern.len()), rule.pattern.len())
}

fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, open) = match pattern.strip_suffix('*') {
        Some(prefix) => (prefix, true),
        None => (pattern, false),
    };
    let mut segments = path.split('/');
    let mut parts = pattern.split('/').peekable();
    while let Some(part) = parts.next() {
        let Some(segment) = segments.next() else { return false };
        let last = parts.peek().is_none();
        let fits = part == "+" || part == segment || (last && open && segment.starts_with(part));
        if !fits {
            return false;
        }
    }
    open || segments.next().is_none()
}

/// The text in the first pair of quotes, and what follows.
fn quoted(text: &str) -> Option<(&str, &str)> {
    text.split_once('"')?.1.split_once('"')
}

#[cfg(test)]
mod tests {
    use super::*;
    use Operation::{Create, Delete, List, Read, Update};

    #[test]
    fn the_most_specific_rule_decides() {
        let app = Policy::parse(
            r#"
            # a comment with "quotes"
            path "secret/data/app/*" { capabilities = ["read", "update"] }
            path "secret/data/app/locked" { capabilities = ["deny"] }
            path "secret/data/+/shared" { capabilities = ["create"] }
            path "secret/metadata/app" { capabilities = ["list"] }
            "#,
        )
        .unwrap();
        let more = Policy::parse(r#"path "secret/data/app/*" { capabilities = ["delete"] }"#).unwrap();
        let policies = [("app", &app), ("more", &more)];
        for (path, operation, expected) in [
            ("secret/data/app/db", Read, vec!["app"]),
            ("secret/data/app/db", Delete, vec!["more"]),
            ("secret/data/app/db", Create, vec![]),
            ("secret/data/app", Read, vec![]),
            ("secret/data/apple", Read, vec![]),
            ("secret/data/app/locked", Update, vec![]),
            ("secret/data/x/shared", Create, vec!["app"]),
            ("secret/data/x/y/shared", Create, vec![]),
            ("secret/metadata/app/", List, vec!["app"]),
            ("secret/metadata/", List, vec![]),
        ] {
            assert_eq!(granting(&policies, path, operation), expected, "{} {path}", operation.name());
        }
        assert!(app.touches("secret/"));
        assert!(!app.touches("kv/"));
        assert!(Policy::parse(r#"path "*" { capabilities = ["read"] }"#).unwrap().touches("kv/"));
        assert!(Policy::parse("path secret {").is_none());
    }
}
