//! Regular expressions with the language and the results of Go's `regexp` package (RE2).
//!
//! A pattern is read as Go reads it in `translate`, which writes it anew for the `regex` crate; `class` does so for
//! character classes. Both engines take time linear in the text. Source of the facts: packages regexp and
//! regexp/syntax of Go 1.26.

mod class;
mod expand;
mod haystack;
mod translate;

use std::ops::Range;

use regex::{Captures, Regex, RegexBuilder};
use thiserror::Error;

use haystack::Haystack;
pub use translate::Reason;

/// A compiled regular expression. Texts are bytes; a byte that belongs to no UTF-8 character counts as U+FFFD.
#[derive(Clone, Debug)]
pub struct Regexp {
    regex: Regex,
    /// The name of each group, with the whole match first.
    names: Vec<Option<String>>,
    is_empty: bool,
}

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
    /// Go might take the pattern, but it nests deeper than 250 levels, or needs more than 10 MiB when compiled.
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
        let regex = RegexBuilder::new(&translation.pattern).build().map_err(|_| RegexpError::TooLarge)?;
        Ok(Self { regex, names: translation.names, is_empty: pattern.is_empty() })
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
        let haystack = Haystack::new(text.as_ref());
        self.replace(&haystack, |out, groups| {
            expand::expand(out, template.as_ref(), &self.names, |group| {
                groups.get(group).map(|found| haystack.source(found.range()))
            });
        })
    }

    /// Replaces every match by `replacement` as it is.
    pub fn replace_all_literal(&self, text: impl AsRef<[u8]>, replacement: impl AsRef<[u8]>) -> Vec<u8> {
        let haystack = Haystack::new(text.as_ref());
        self.replace(&haystack, |out, _| out.extend_from_slice(replacement.as_ref()))
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
        haystack: &Haystack<'_>,
        mut write: impl FnMut(&mut Vec<u8>, &Captures<'_>),
    ) -> Vec<u8> {
        let mut out = Vec::new();
        let mut copied = 0;
        for groups in self.regex.captures_iter(&haystack.text) {
            let Some(found) = groups.get(0) else { continue };
            out.extend_from_slice(haystack.source(copied..found.start()));
            write(&mut out, &groups);
            copied = found.end();
        }
        out.extend_from_slice(haystack.source(copied..haystack.text.len()));
        out
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
