//! A path, taken apart one step at a time. How a step is read depends on what it is applied to.

use std::borrow::Cow;

use super::budget::{Budget, TooComplex};
use super::modifiers;
use super::pattern;
use super::query::Query;
use super::scan;

/// What stands behind a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail<'p> {
    End,
    /// More steps, applied inside of what this one finds.
    Steps(&'p [u8]),
    /// A path, applied to the result of everything before it.
    Pipe(&'p [u8]),
}

/// A step into an object.
pub(super) struct KeyStep<'p> {
    key: Cow<'p, [u8]>,
    /// Whether the key is a pattern.
    is_wild: bool,
    pub(super) tail: Tail<'p>,
}

/// A step into an array.
pub(super) enum ArrayStep<'p> {
    /// One element; nothing if the step is no number.
    Index(Option<u64>),
    /// `#`: the number of elements.
    Count,
    /// `#.path`: the results of a path in every element.
    Each(&'p [u8]),
    Query(Query<'p>),
    /// A step with a `#` that means nothing.
    Nothing,
}

impl<'p> KeyStep<'p> {
    #[inline]
    pub(super) fn matches(&self, key: &[u8], budget: Budget<'_>) -> Result<bool, TooComplex> {
        if self.is_wild {
            return pattern::matches(key, &self.key, budget);
        }
        // Byte by byte: keys are so short that the usual call of `memcmp` would take longer.
        Ok(self.key.len() == key.len() && self.key.iter().zip(key).all(|(wanted, byte)| wanted == byte))
    }

    #[inline]
    pub(super) fn parse(path: &'p [u8]) -> Self {
        let is_sign = |byte: &u8| matches!(byte, b'|' | b'.' | b'\\' | b'*' | b'?');
        let end = path.iter().position(is_sign).unwrap_or(path.len());
        let tail = match path.get(end) {
            None => Tail::End,
            Some(b'|' | b'.') => tail(path, end, true),
            Some(_) => return Self::parse_signs(path, end),
        };
        Self { key: Cow::Borrowed(&path[..end]), is_wild: false, tail }
    }

    /// The rest of a step of which the first bytes are plain.
    fn parse_signs(path: &'p [u8], plain: usize) -> Self {
        let mut is_wild = false;
        let mut unescaped: Option<Vec<u8>> = None;
        let mut at = plain;
        while let Some(&byte) = path.get(at) {
            match byte {
                b'|' | b'.' => {
                    let key = unescaped.map_or(Cow::Borrowed(&path[..at]), Cow::Owned);
                    return Self { key, is_wild, tail: tail(path, at, true) };
                }
                b'\\' => {
                    let key = unescaped.get_or_insert_with(|| copy(path, at));
                    key.extend(path.get(at + 1));
                    at += 2;
                    continue;
                }
                b'*' | b'?' => is_wild = true,
                _ => {}
            }
            if let Some(key) = &mut unescaped {
                key.push(byte);
            }
            at += 1;
        }
        Self { key: unescaped.map_or(Cow::Borrowed(path), Cow::Owned), is_wild, tail: Tail::End }
    }
}

impl<'p> ArrayStep<'p> {
    pub(super) fn parse(path: &'p [u8]) -> (Self, Tail<'p>) {
        let mut step = None;
        let mut at = 0;
        while let Some(byte) = path.get(at) {
            match byte {
                b'|' | b'.' => {
                    let tail = tail(path, at, step.is_none());
                    return (
                        step.unwrap_or_else(|| Self::Index(index(&path[..at]))).at_end(&path[..at]),
                        tail,
                    );
                }
                b'#' if at == 0 => {
                    step = Some(match path.get(1) {
                        Some(b'.') => Self::Each(&path[2..]),
                        Some(b'[' | b'(') => match Query::parse(path) {
                            Some((mut query, end)) => {
                                at = end - 1;
                                query.all = path.get(end) == Some(&b'#');
                                Self::Query(query)
                            }
                            None => return (Self::Query(Query::default()), Tail::End),
                        },
                        _ => Self::Count,
                    });
                }
                b'#' => step = step.or(Some(Self::Nothing)),
                _ => {}
            }
            at += 1;
        }
        (step.unwrap_or_else(|| Self::Index(index(path))).at_end(path), Tail::End)
    }

    /// A count is one only if the whole step is a single `#`.
    fn at_end(self, part: &[u8]) -> Self {
        match self {
            Self::Count if part != b"#" => Self::Nothing,
            step => step,
        }
    }
}

/// The first bytes of a path, with room for all of it.
fn copy(path: &[u8], len: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(path.len());
    out.extend_from_slice(&path[..len]);
    out
}

/// What stands behind the dot or pipe at `at`. A dot before a modifier or multipath works as a pipe, if `dots_pipe`.
fn tail(path: &[u8], at: usize, dots_pipe: bool) -> Tail<'_> {
    let rest = &path[at + 1..];
    if path[at] == b'|' || dots_pipe && starts_selection(rest) { Tail::Pipe(rest) } else { Tail::Steps(rest) }
}

fn starts_selection(path: &[u8]) -> bool {
    match path {
        [b'@', name @ ..] => {
            let end = name.iter().position(|byte| matches!(byte, b'.' | b'|' | b':')).unwrap_or(name.len());
            modifiers::find(&name[..end]).is_some()
        }
        [b'[' | b'{', ..] => true,
        _ => false,
    }
}

/// A decimal index. Too many digits wrap around, as in the original.
fn index(part: &[u8]) -> Option<u64> {
    let digits = !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    digits.then(|| {
        part.iter().fold(0_u64, |sum, digit| sum.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')))
    })
}

/// Splits a path that is applied to elements at its first pipe, if it has one: what stands behind is meant for the
/// list of all results. Pipes inside of queries and of a leading multipath do not count.
pub(super) fn split_pipe(path: &[u8]) -> Option<(&[u8], &[u8])> {
    if !path.contains(&b'|') {
        return None;
    }
    if path[0] == b'{' {
        let end = scan::squash(&path[1..]) + 1;
        return match path.get(end) {
            Some(b'|') => Some((&path[..end], &path[end + 1..])),
            _ => None,
        };
    }
    let mut at = 0;
    while let Some(byte) = path.get(at) {
        match byte {
            b'\\' => at += 1,
            b'.' => match path.get(at + 1..) {
                Some([b'#', b'[', ..]) => at = selector_end(path, at + 3, b'[', b']'),
                Some([b'#', b'(', ..]) => at = selector_end(path, at + 3, b'(', b')'),
                // The sign behind the `#` is passed over with it.
                Some([b'#', ..]) => at += 2,
                Some([]) => return None,
                _ => {}
            },
            b'|' => return Some((&path[..at], &path[at + 1..])),
            _ => {}
        }
        at += 1;
    }
    None
}

/// The place of the bracket that closes a selector whose content starts at `at`.
fn selector_end(path: &[u8], at: usize, open: u8, close: u8) -> usize {
    let mut depth = 1_usize;
    let mut at = at;
    while let Some(&byte) = path.get(at) {
        if byte == b'\\' {
            at += 1;
        } else if byte == open {
            depth += 1;
        } else if byte == close {
            depth -= 1;
            if depth == 0 {
                return at;
            }
        } else if byte == b'"' {
            at = scan::closing_quote(path, at + 1).0;
        }
        at += 1;
    }
    path.len()
}
