//! Regular expressions with the language and the results of Go's `regexp` package (RE2).
//!
//! A pattern is read as Go reads it in `translate`, which writes it anew for the `regex` crate; `class` does so for
//! character classes. Both engines take time linear in the text. Source of the facts: packages regexp and
//! regexp/syntax of Go 1.26.

mod class;
mod expand;
mod haystack;
mod input;
mod translate;

use std::ops::Range;

use regex::{Captures, Regex, RegexBuilder};
use thiserror::Error;

use haystack::Haystack;
pub use input::Reason;

/// A compiled regular expression. Texts are bytes; a byte that belongs to no UTF-8 character counts as U+FFFD.
#[derive(Clone, Debug)]
pub struct Regexp {
    regex: Regex,
    /// No less than the bytes that the compiled pattern takes.
    size: usize,
    /// The name of each group, with the whole match first.
    names: Vec<Option<String>>,
    is_empty: bool,
}

/// The sizes, in bytes, that compiled patterns are told apart by; the last is the largest that is taken.
const SIZES: [usize; 5] = [16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20];
/// The steps that it takes to compile the smallest pattern.
const COMPILING: usize = 3_000;
/// How many bytes of a compiled pattern are made at the cost of one step.
const COMPILED_PER_STEP: usize = 3;
/// About how many bytes one state of a compiled pattern takes.
const STATE: usize = 64;
/// How many states are tried at the cost of one step.
const STATES_PER_STEP: usize = 64;
/// The room that a search may need to remember, for each state, where each group began and ended.
const GROUPS_ROOM: usize = 12 << 20;
/// How many groups a state carries at the cost of no more than itself.
const GROUPS_PER_STATE: usize = 8;

/// Why a pattern cannot be used.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum RegexpError {
    /// Go refuses the pattern.
    #[error("invalid regular expression: {reason} at byte {at}")]
    Syntax {
        /// What is wrong.
        reason: Reason,
        /// Where, in bytes from the start of the pattern.
        at: usize,
    },
    /// Go might take the pattern, but it nests deeper than 250 levels, or needs more than 4 MiB when compiled, or has too many groups for its size.
    #[error("regular expression is too large: nest it less deep or repeat less")]
    TooLarge,
}

impl Regexp {
    /// Compiles a pattern as `regexp.Compile` does.
    ///
    /// # Errors
    /// Go refuses the pattern, or it is too large.
    pub fn new(pattern: impl AsRef<[u8]>) -> Result<Self, RegexpError> {
        let pattern = pattern.as_ref();
        let translation = translate::translate(pattern)?;
        let sized = |size: &usize| {
            let regex = RegexBuilder::new(&translation.pattern).size_limit(*size).build().ok()?;
            Some((regex, *size))
        };
        let (regex, size) = SIZES.iter().find_map(sized).ok_or(RegexpError::TooLarge)?;
        let room = size / STATE * translation.names.len() * 2 * size_of::<usize>();
        if room > GROUPS_ROOM {
            return Err(RegexpError::TooLarge);
        }
        Ok(Self { regex, size, names: translation.names, is_empty: pattern.is_empty() })
    }

    /// How many steps of a [`Budget`](crate::budget::Budget) it may take to compile the pattern.
    pub fn price(&self) -> u64 {
        (COMPILING + self.size / COMPILED_PER_STEP) as u64
    }

    /// No less than the bytes that the compiled pattern takes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// How many steps it may take to search a text of so many bytes: in the worst case each byte meets every state of
    /// the compiled pattern.
    pub fn price_of_search(&self, bytes: usize) -> u64 {
        let states = self.size / STATE * (1 + self.names.len() / GROUPS_PER_STATE);
        (bytes.saturating_mul(states) / STATES_PER_STEP) as u64 + 1
    }

    /// Whether the text contains a match.
    pub fn is_match(&self, text: impl AsRef<[u8]>) -> bool {
        self.regex.is_match(&Haystack::new(text.as_ref()).text)
    }

    /// The first match.
    pub fn find<'t, T: AsRef<[u8]> + ?Sized>(&self, text: &'t T) -> Option<&'t [u8]> {
        let haystack = Haystack::new(text.as_ref());
        self.regex.find(&haystack.text).map(|found| haystack.source(found.range()))
    }

    /// All matches that do not overlap, at most `limit` of them. A match of nothing does not count right behind another match.
    pub fn find_all<'t, T: AsRef<[u8]> + ?Sized>(&self, text: &'t T, limit: Option<usize>) -> Vec<&'t [u8]> {
        let haystack = Haystack::new(text.as_ref());
        self.ranges(&haystack, limit).into_iter().map(|range| haystack.source(range)).collect()
    }

    /// Replaces every match by `template`, in which `$1`, `${1}`, `$name` and `${name}` stand for groups and `$$` for a
    /// dollar sign. A name reaches as far as letters, digits and underscores do: `$1x` is the group named `1x`.
    pub fn replace_all(&self, text: impl AsRef<[u8]>, template: impl AsRef<[u8]>) -> Vec<u8> {
        self.replace_all_within(usize::MAX, text, template).unwrap_or_default()
    }

    /// As [`Regexp::replace_all`]; `None` as soon as the result would be longer than `limit` bytes.
    pub fn replace_all_within(
        &self,
        limit: usize,
        text: impl AsRef<[u8]>,
        template: impl AsRef<[u8]>,
    ) -> Option<Vec<u8>> {
        let haystack = Haystack::new(text.as_ref());
        self.replace(limit, &haystack, |out, groups| {
            expand::expand(out, template.as_ref(), &self.names, |group| {
                groups.get(group).map(|found| haystack.source(found.range()))
            });
        })
    }

    /// Replaces every match by `replacement` as it is; `None` as soon as the result would be longer than `limit` bytes.
    pub fn replace_all_literal(
        &self,
        limit: usize,
        text: impl AsRef<[u8]>,
        replacement: impl AsRef<[u8]>,
    ) -> Option<Vec<u8>> {
        let haystack = Haystack::new(text.as_ref());
        self.replace(limit, &haystack, |out, _| out.push(replacement.as_ref()))
    }

    /// The pieces of the text between matches. With a `limit` at most that many, the last being the unsplit rest.
    pub fn split<'t, T: AsRef<[u8]> + ?Sized>(&self, text: &'t T, limit: Option<usize>) -> Vec<&'t [u8]> {
        let text = text.as_ref();
        if limit == Some(0) {
            return Vec::new();
        }
        if text.is_empty() && !self.is_empty {
            return vec![text];
        }
        let haystack = Haystack::new(text);
        let mut pieces = Vec::new();
        let (mut start, mut end) = (0, 0);
        for found in self.ranges(&haystack, limit) {
            if limit.is_some_and(|limit| pieces.len() + 1 >= limit) {
                break;
            }
            end = found.start;
            if found.end != 0 {
                pieces.push(haystack.source(start..end));
            }
            start = found.end;
        }
        if end != haystack.text.len() {
            pieces.push(haystack.source(start..haystack.text.len()));
        }
        pieces
    }

    /// Where matches are, in the readable form of the text.
    fn ranges(&self, haystack: &Haystack<'_>, limit: Option<usize>) -> Vec<Range<usize>> {
        let found = self.regex.find_iter(&haystack.text).map(|found| found.range());
        found.take(limit.unwrap_or(usize::MAX)).collect()
    }

    fn replace(
        &self,
        limit: usize,
        haystack: &Haystack<'_>,
        mut write: impl FnMut(&mut Output, &Captures<'_>),
    ) -> Option<Vec<u8>> {
        let mut out = Output { bytes: Vec::new(), limit, over: false };
        let mut copied = 0;
        for groups in self.regex.captures_iter(&haystack.text) {
            let Some(found) = groups.get(0) else { continue };
            out.push(haystack.source(copied..found.start()));
            write(&mut out, &groups);
            if out.over {
                return None;
            }
            copied = found.end();
        }
        out.push(haystack.source(copied..haystack.text.len()));
        (!out.over).then_some(out.bytes)
    }
}

/// How many steps it may take to write a template for every match in a text of so many bytes.
pub fn expanding(text: usize, template: usize) -> u64 {
    (text.saturating_add(1)).saturating_mul(template) as u64 / 4 + 1
}

/// A result that stops growing at its limit.
struct Output {
    bytes: Vec<u8>,
    limit: usize,
    over: bool,
}

impl Output {
    fn push(&mut self, bytes: &[u8]) {
        self.over |= bytes.len() > self.limit.saturating_sub(self.bytes.len());
        if !self.over {
            self.bytes.extend_from_slice(bytes);
        }
    }
}

/// The pattern that matches exactly this text.
pub fn quote_meta(text: impl AsRef<[u8]>) -> Vec<u8> {
    let text = text.as_ref();
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        if br"\.+*?()|[]{}^$".contains(&byte) {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out
}

#[cfg(test)]
mod tests;
