//! Names of clusters, namespaces and objects: parsed once, valid ever after.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// The text is not a name that Kubernetes would take.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{what} {text:?} is not valid: {rule}")]
pub struct InvalidName {
    what: &'static str,
    text: String,
    rule: &'static str,
}

/// The name of a cluster that Pawl may write to: a DNS-1123 subdomain, at most 253 bytes.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClusterName(Arc<str>);

/// The name of a namespace: a DNS-1123 label, at most 63 bytes.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Namespace(Arc<str>);

/// The name of a Kubernetes object: a DNS-1123 subdomain, at most 253 bytes.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectName(Arc<str>);

/// The name of a set of manifests that are applied together: a DNS-1123 subdomain, at most 253 bytes.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct SetName(Arc<str>);

impl Default for SetName {
    /// `default`, which is whose manifests are when nobody says.
    fn default() -> Self {
        Self("default".into())
    }
}

macro_rules! name {
    ($type:ident, $what:literal, $check:ident) => {
        impl $type {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $type {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }

        impl std::str::FromStr for $type {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                match $check(text) {
                    Ok(()) => Ok(Self(text.into())),
                    Err(rule) => Err(InvalidName { what: $what, text: shortened(text), rule }),
                }
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(ClusterName, "cluster name", subdomain);
name!(Namespace, "namespace", label);
name!(ObjectName, "object name", subdomain);
name!(SetName, "set name", subdomain);

fn label(text: &str) -> Result<(), &'static str> {
    if text.is_empty() || text.len() > 63 {
        return Err("it must have 1 to 63 characters");
    }
    let edge = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    if !bytes.iter().all(|b| edge(*b) || *b == b'-') {
        return Err("use lower case letters, digits and '-'");
    }
    if !edge(bytes[0]) || !edge(bytes[bytes.len() - 1]) {
        return Err("it must start and end with a letter or digit");
    }
    Ok(())
}

fn subdomain(text: &str) -> Result<(), &'static str> {
    if text.is_empty() || text.len() > 253 {
        return Err("it must have 1 to 253 characters");
    }
    let edge = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    for part in text.split('.') {
        let bytes = part.as_bytes();
        if bytes.is_empty() || !edge(bytes[0]) || !edge(bytes[bytes.len() - 1]) {
            return Err("each part between dots must start and end with a lower case letter or digit");
        }
        if !bytes.iter().all(|b| edge(*b) || *b == b'-') {
            return Err("use lower case letters, digits, '-' and '.'");
        }
    }
    Ok(())
}

/// Names come from outside: an error must not carry a megabyte of them.
fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_dns_1123() {
        for (text, object, namespace) in [
            ("a", true, true),
            ("a-b.c", true, false),
            ("0a", true, true),
            ("", false, false),
            ("-a", false, false),
            ("a-", false, false),
            ("A", false, false),
            ("a..b", false, false),
            ("a_b", false, false),
            (&"a".repeat(63), true, true),
            (&"a".repeat(64), true, false),
            (&"a".repeat(254), false, false),
        ] {
            assert_eq!(text.parse::<ObjectName>().is_ok(), object, "object name {text:?}");
            assert_eq!(text.parse::<Namespace>().is_ok(), namespace, "namespace {text:?}");
        }
    }
}
