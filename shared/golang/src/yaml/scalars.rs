//! Scalars: plain, in quotes, and in blocks.

use super::YamlError;
use super::scanner::Scanner;
use super::source::Mark;

/// What becomes of the line breaks at the end of a block scalar.
#[derive(PartialEq, Eq)]
enum Chomping {
    Strip,
    Clip,
    Keep,
}

/// The white space between two words of a scalar that may go over lines.
#[derive(Default)]
struct Gap {
    blanks: String,
    first_break: String,
    more_breaks: String,
    has_break: bool,
}

impl Gap {
    /// Reads blanks and line breaks. Blanks around line breaks are dropped.
    fn read(&mut self, scanner: &mut Scanner, tab_limit: Option<usize>, mark: Mark) -> Result<(), YamlError> {
        let source = &mut scanner.source;
        loop {
            if source.is_blank(0) {
                let is_indent = tab_limit.is_some_and(|limit| source.mark.column < limit);
                if self.has_break && is_indent && source.peek(0) == '\t' {
                    return Err(mark.error("a tab as indentation of a plain scalar"));
                }
                if self.has_break { source.skip(1) } else { source.read(&mut self.blanks) }
            } else if source.is_break(0) {
                if self.has_break {
                    source.read_line(&mut self.more_breaks);
                } else {
                    self.blanks.clear();
                    source.read_line(&mut self.first_break);
                    self.has_break = true;
                }
            } else {
                return Ok(());
            }
        }
    }

    /// Appends what the gap stands for: a single line break is a space.
    fn fold_into(&mut self, out: &mut String) {
        if !self.has_break {
            out.push_str(&self.blanks);
        } else if !self.first_break.starts_with('\n') {
            out.push_str(&self.first_break);
            out.push_str(&self.more_breaks);
        } else if self.more_breaks.is_empty() {
            out.push(' ');
        } else {
            out.push_str(&self.more_breaks);
        }
        *self = Self::default();
    }
}

impl Scanner {
    /// Reads a plain scalar, which may go on over lines that are indented.
    pub(super) fn scan_plain_scalar(&mut self) -> Result<String, YamlError> {
        let mark = self.source.mark;
        let indent = usize::try_from(self.indent + 1).unwrap_or(0);
        let mut out = String::new();
        let mut gap = Gap::default();
        loop {
            if self.source.is_document_sign('-')
                || self.source.is_document_sign('.')
                || self.source.peek(0) == '#'
            {
                break;
            }
            while !self.source.is_gap(0) && !self.ends_plain() {
                gap.fold_into(&mut out);
                self.source.read(&mut out);
            }
            if !self.source.is_blank(0) && !self.source.is_break(0) {
                break;
            }
            gap.read(self, Some(indent), mark)?;
            if self.flow_level == 0 && self.source.mark.column < indent {
                break;
            }
        }
        if gap.has_break {
            self.key_allowed = true;
        }
        Ok(out)
    }

    fn ends_plain(&self) -> bool {
        match self.source.peek(0) {
            ':' if self.source.is_gap(1) => true,
            ',' | '?' | '[' | ']' | '{' | '}' => self.flow_level > 0,
            _ => false,
        }
    }

    /// Reads a scalar in single or double quotes.
    pub(super) fn scan_quoted_scalar(&mut self, quote: char) -> Result<String, YamlError> {
        let mark = self.source.mark;
        self.source.skip(1);
        let mut out = String::new();
        let mut gap = Gap::default();
        loop {
            if self.source.is_document_sign('-') || self.source.is_document_sign('.') {
                return Err(mark.error("a document sign inside of a quoted scalar"));
            }
            if self.source.is_end() {
                return Err(mark.error("a quoted scalar that does not end"));
            }
            while !self.source.is_gap(0) {
                match (quote, self.source.peek(0), self.source.peek(1)) {
                    ('\'', '\'', '\'') => {
                        out.push('\'');
                        self.source.skip(2);
                    }
                    (_, sign, _) if sign == quote => break,
                    ('"', '\\', _) if self.source.is_break(1) => {
                        self.source.skip(1);
                        self.source.skip_line();
                        gap.has_break = true;
                        break;
                    }
                    ('"', '\\', escape) => out.push(self.scan_escape(escape, mark)?),
                    _ => self.source.read(&mut out),
                }
            }
            if self.source.peek(0) == quote {
                self.source.skip(1);
                return Ok(out);
            }
            gap.read(self, None, mark)?;
            gap.fold_into(&mut out);
        }
    }

    fn scan_escape(&mut self, escape: char, mark: Mark) -> Result<char, YamlError> {
        let digits = match escape {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        let character = match escape {
            '0' => '\0',
            'a' => '\u{7}',
            'b' => '\u{8}',
            't' | '\t' => '\t',
            'n' => '\n',
            'v' => '\u{b}',
            'f' => '\u{c}',
            'r' => '\r',
            'e' => '\u{1b}',
            ' ' | '"' | '\'' | '\\' => escape,
            'N' => '\u{85}',
            '_' => '\u{a0}',
            'L' => '\u{2028}',
            'P' => '\u{2029}',
            'x' | 'u' | 'U' => (2..2 + digits)
                .try_fold(0_u32, |sum, ahead| {
                    sum.checked_mul(16)?.checked_add(self.source.peek(ahead).to_digit(16)?)
                })
                .and_then(char::from_u32)
                .ok_or(mark.error("a bad Unicode escape"))?,
            _ => return Err(mark.error("an unknown escape")),
        };
        self.source.skip(2 + digits);
        Ok(character)
    }

    /// Reads a literal or folded block scalar.
    pub(super) fn scan_block_scalar(&mut self, is_literal: bool) -> Result<String, YamlError> {
        let mark = self.source.mark;
        self.source.skip(1);
        let (chomping, increment) = self.scan_block_header(mark)?;
        let mut indent = increment.map(|increment| usize::try_from(self.indent).unwrap_or(0) + increment);
        let (mut out, mut last_break, mut breaks) = (String::new(), String::new(), String::new());
        let mut was_blank = false;
        let mut column = self.scan_block_breaks(&mut indent, &mut breaks, mark)?;
        while self.source.mark.column == column && !self.source.is_end() {
            let is_blank = self.source.is_blank(0);
            if is_literal || was_blank || is_blank || !last_break.starts_with('\n') {
                out.push_str(&last_break);
            } else if breaks.is_empty() {
                out.push(' ');
            }
            last_break.clear();
            out.push_str(&breaks);
            breaks.clear();
            was_blank = is_blank;
            while !self.source.is_break_or_end(0) {
                self.source.read(&mut out);
            }
            self.source.read_line(&mut last_break);
            column = self.scan_block_breaks(&mut indent, &mut breaks, mark)?;
        }
        if chomping != Chomping::Strip {
            out.push_str(&last_break);
        }
        if chomping == Chomping::Keep {
            out.push_str(&breaks);
        }
        Ok(out)
    }

    /// Reads the indicators behind `|` or `>` and the rest of the line.
    fn scan_block_header(&mut self, mark: Mark) -> Result<(Chomping, Option<usize>), YamlError> {
        let (mut chomping, mut increment) = (None, None);
        for _ in 0..2 {
            match self.source.peek(0) {
                sign @ ('+' | '-') if chomping.is_none() => {
                    chomping = Some(if sign == '+' { Chomping::Keep } else { Chomping::Strip });
                }
                '0' if increment.is_none() => {
                    return Err(mark.error("a block scalar with an indentation of 0"));
                }
                digit @ '1'..='9' if increment.is_none() => {
                    increment = digit.to_digit(10).map(|digit| digit as usize)
                }
                _ => break,
            }
            self.source.skip(1);
        }
        self.source.skip_blanks();
        self.source.skip_comment();
        if !self.source.is_break_or_end(0) {
            return Err(mark.error("more on the first line of a block scalar"));
        }
        self.source.skip_line();
        Ok((chomping.unwrap_or(Chomping::Clip), increment))
    }

    /// Reads indentation and empty lines; finds out the indentation if it is not yet known.
    fn scan_block_breaks(
        &mut self,
        indent: &mut Option<usize>,
        breaks: &mut String,
        mark: Mark,
    ) -> Result<usize, YamlError> {
        let mut deepest = 0;
        loop {
            while indent.is_none_or(|indent| self.source.mark.column < indent) && self.source.peek(0) == ' ' {
                self.source.skip(1);
            }
            deepest = deepest.max(self.source.mark.column);
            if indent.is_none_or(|indent| self.source.mark.column < indent) && self.source.peek(0) == '\t' {
                return Err(mark.error("a tab as indentation of a block scalar"));
            }
            if !self.source.is_break(0) {
                let least = usize::try_from(self.indent + 1).unwrap_or(0).max(1);
                return Ok(*indent.get_or_insert(deepest.max(least)));
            }
            self.source.read_line(breaks);
        }
    }
}
