//! Patterns with `*`, which stands for any run of characters.

use std::fmt;
use std::str::FromStr;

/// A pattern of a whole text. `*` stands for any run of characters, slashes and dots included, and for none; everything
/// else stands for itself.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Glob(String);

/// The text is no pattern.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a pattern has 1 to 2,048 characters, and none of them is a control character")]
pub struct InvalidGlob;

/// The longest ARN of a role or secret fits twice. Source: IAM and Secrets Manager, quotas of names.
const LONGEST: usize = 2048;

impl Glob {
    /// Whether the pattern describes the whole text.
    pub fn matches(&self, text: &str) -> bool {
        is_match(&self.0, text, None)
    }
}

/// Whether a pattern describes a whole text. `*` stands for any run of bytes, `one` for any single byte.
pub(crate) fn is_match(pattern: &str, text: &str, one: Option<u8>) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut from) = (0, 0);
    // Where the last star is, and from where on the text behind it is tried.
    let mut star: Option<(usize, usize)> = None;
    while from < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(byte) if *byte == text[from] || Some(*byte) == one => {
                at += 1;
                from += 1;
            }
            _ => match star {
                Some((place, taken)) => {
                    star = Some((place, taken + 1));
                    at = place + 1;
                    from = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

impl FromStr for Glob {
    type Err = InvalidGlob;

    fn from_str(text: &str) -> Result<Self, InvalidGlob> {
        let fits = (1..=LONGEST).contains(&text.len()) && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidGlob) }
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_run_and_everything_else_for_itself() {
        for (pattern, text, want) in [
            ("payments/*", "payments/db", true),
            ("payments/*", "payments/a/b", true),
            ("payments/*", "payments/", true),
            ("payments/*", "payments", false),
            ("payments/*", "xpayments/db", false),
            ("payments/*", "payments-evil/db", false),
            ("payments/db", "payments/db", true),
            ("payments/db", "payments/db2", false),
            ("payments/db", "Payments/db", false),
            ("*", "", true),
            ("*", "anything", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-c-d", false),
            ("*.example.com", "vault.example.com", true),
            ("*.example.com", "example.com", false),
            ("a.c", "abc", false),
            ("[ab]", "a", false),
            ("a?", "ab", false),
        ] {
            assert_eq!(pattern.parse::<Glob>().unwrap().matches(text), want, "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_cost_no_more_than_pattern_times_text() {
        let pattern: Glob = "*a".repeat(500).parse().unwrap();
        assert!(!pattern.matches(&("a".repeat(2000) + "b")));
    }

    #[test]
    fn patterns_are_bounded() {
        assert!("".parse::<Glob>().is_err() && "a\nb".parse::<Glob>().is_err());
        assert!("a".repeat(LONGEST + 1).parse::<Glob>().is_err());
    }
}
