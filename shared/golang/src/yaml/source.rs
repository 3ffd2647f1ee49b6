//! The characters of a document and the place in it.

use super::YamlError;

/// A place in a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// In characters from the start.
    pub(super) index: usize,
    /// From 0 on.
    pub(super) line: usize,
    /// From 0 on.
    pub(super) column: usize,
}

impl Mark {
    pub(super) fn error(self, problem: &'static str) -> YamlError {
        YamlError::Invalid { line: self.line + 1, column: self.column + 1, problem }
    }
}

/// A document that is being read.
pub(super) struct Source {
    characters: Vec<char>,
    pub(super) mark: Mark,
}

impl Source {
    /// Checks that the document is UTF-8 without control characters.
    pub(super) fn new(document: &[u8]) -> Result<Self, YamlError> {
        let document = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document);
        let (text, is_valid) = match std::str::from_utf8(document) {
            Ok(text) => (text, true),
            Err(error) => (std::str::from_utf8(&document[..error.valid_up_to()]).unwrap_or_default(), false),
        };
        let mut source = Self { characters: text.chars().collect(), mark: Mark::default() };
        while let Some(character) = source.characters.get(source.mark.index) {
            if !is_allowed(*character) {
                return Err(source.mark.error("control characters are not allowed"));
            }
            if source.is_break(0) { source.skip_line() } else { source.skip(1) }
        }
        if !is_valid {
            return Err(source.mark.error("invalid UTF-8"));
        }
        source.mark = Mark::default();
        Ok(source)
    }

    /// The character `ahead` of the current one, NUL behind the end.
    pub(super) fn peek(&self, ahead: usize) -> char {
        self.characters.get(self.mark.index + ahead).copied().unwrap_or('\0')
    }

    pub(super) fn is_end(&self) -> bool {
        self.peek(0) == '\0'
    }

    pub(super) fn is_break(&self, ahead: usize) -> bool {
        is_break(self.peek(ahead))
    }

    pub(super) fn is_break_or_end(&self, ahead: usize) -> bool {
        self.is_break(ahead) || self.peek(ahead) == '\0'
    }

    pub(super) fn is_blank(&self, ahead: usize) -> bool {
        matches!(self.peek(ahead), ' ' | '\t')
    }

    /// A blank, a line break or the end.
    pub(super) fn is_gap(&self, ahead: usize) -> bool {
        self.is_blank(ahead) || self.is_break_or_end(ahead)
    }

    /// Whether `---` or `...` stands alone at the start of the line.
    pub(super) fn is_document_sign(&self, sign: char) -> bool {
        self.mark.column == 0 && (0..3).all(|ahead| self.peek(ahead) == sign) && self.is_gap(3)
    }

    pub(super) fn skip(&mut self, count: usize) {
        self.mark.index += count;
        self.mark.column += count;
    }

    pub(super) fn skip_blanks(&mut self) {
        while self.is_blank(0) {
            self.skip(1);
        }
    }

    pub(super) fn skip_comment(&mut self) {
        if self.peek(0) == '#' {
            while !self.is_break_or_end(0) {
                self.skip(1);
            }
        }
    }

    /// Passes a line break, if one is next.
    pub(super) fn skip_line(&mut self) {
        if self.is_break(0) {
            self.mark.index += if self.peek(0) == '\r' && self.peek(1) == '\n' { 2 } else { 1 };
            self.mark.column = 0;
            self.mark.line += 1;
        }
    }

    pub(super) fn read(&mut self, out: &mut String) {
        out.push(self.peek(0));
        self.skip(1);
    }

    /// Passes a line break and appends it, as a line feed unless it is one of Unicode's separators.
    pub(super) fn read_line(&mut self, out: &mut String) {
        match self.peek(0) {
            separator @ ('\u{2028}' | '\u{2029}') => out.push(separator),
            _ if self.is_break(0) => out.push('\n'),
            _ => {}
        }
        self.skip_line();
    }

    /// Letters, digits, `_` and `-`.
    pub(super) fn read_word(&mut self, out: &mut String) {
        while self.peek(0).is_ascii_alphanumeric() || matches!(self.peek(0), '_' | '-') {
            self.read(out);
        }
    }
}

pub(super) fn is_break(character: char) -> bool {
    matches!(character, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
}
