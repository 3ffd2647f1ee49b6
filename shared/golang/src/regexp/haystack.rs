//! Texts that are searched.

use std::borrow::Cow;
use std::ops::Range;

/// A text with U+FFFD for every byte that belongs to no UTF-8 character, and the way back to the original.
pub(super) struct Haystack<'t> {
    source: &'t [u8],
    pub(super) text: Cow<'t, str>,
    /// Where in `text` replaced bytes are.
    replaced: Vec<usize>,
}

impl<'t> Haystack<'t> {
    pub(super) fn new(source: &'t [u8]) -> Self {
        if let Ok(text) = std::str::from_utf8(source) {
            return Self { source, text: Cow::Borrowed(text), replaced: Vec::new() };
        }
        let mut text = String::with_capacity(source.len() * 2);
        let mut replaced = Vec::new();
        for chunk in source.utf8_chunks() {
            text.push_str(chunk.valid());
            for _ in chunk.invalid() {
                replaced.push(text.len());
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        Self { source, text: Cow::Owned(text), replaced }
    }

    /// The part of the original that a range of `text` stands for.
    pub(super) fn source(&self, range: Range<usize>) -> &'t [u8] {
        &self.source[self.offset(range.start)..self.offset(range.end)]
    }

    fn offset(&self, at: usize) -> usize {
        let grown = char::REPLACEMENT_CHARACTER.len_utf8() - 1;
        at - grown * self.replaced.partition_point(|place| *place < at)
    }
}
