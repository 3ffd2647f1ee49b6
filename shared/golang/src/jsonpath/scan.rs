//! Words of a path. Source: Go's `text/scanner` in the mode for Go.

use crate::unicode::{is_digit, is_letter};

/// One word.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Token<'t> {
    /// Nothing more.
    End,
    Ident(&'t str),
    Number(&'t str),
    /// With its quotes, which may be of any kind; the last one may be missing.
    Quoted(&'t str),
    Sign(char),
}

/// Reads word by word.
pub(super) struct Scanner<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Scanner<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        // Go passes over a byte order mark at the beginning.
        let at = if text.starts_with('\u{FEFF}') { '\u{FEFF}'.len_utf8() } else { 0 };
        Self { text, at }
    }

    /// The byte behind the last word.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The sign right behind the last word.
    pub(super) fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    /// Passes over one sign.
    pub(super) fn skip(&mut self) {
        self.at += self.peek().map_or(0, char::len_utf8);
    }

    /// The next word.
    pub(super) fn token(&mut self) -> Token<'t> {
        self.skip_space();
        let start = self.at;
        let Some(first) = self.peek() else { return Token::End };
        self.skip();
        match first {
            _ if is_letter(first) || first == '_' => {
                self.skip_while(|sign| is_letter(sign) || sign == '_' || is_digit(sign));
                Token::Ident(self.since(start))
            }
            '0'..='9' => {
                self.at = start;
                self.number(false);
                Token::Number(self.since(start))
            }
            '.' if self.peek().is_some_and(|sign| sign.is_ascii_digit()) => {
                self.number(true);
                Token::Number(self.since(start))
            }
            '"' | '\'' => {
                self.quoted(first);
                Token::Quoted(self.since(start))
            }
            '`' => {
                self.skip_while(|sign| sign != '`');
                self.skip();
                Token::Quoted(self.since(start))
            }
            sign => Token::Sign(sign),
        }
    }

    fn since(&self, start: usize) -> &'t str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn skip_while(&mut self, is_meant: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&is_meant) {
            self.skip();
        }
    }

    /// White space and Go's comments.
    fn skip_space(&mut self) {
        loop {
            self.skip_while(|sign| matches!(sign, ' ' | '\t' | '\n' | '\r'));
            let rest = self.text.get(self.at..).unwrap_or_default();
            if rest.starts_with("//") {
                self.skip_while(|sign| sign != '\n');
            } else if let Some(comment) = rest.strip_prefix("/*") {
                self.at += 2 + comment.find("*/").map_or(comment.len(), |end| end + 2);
            } else {
                return;
            }
        }
    }

    /// All that Go takes for one number, be it one or not.
    fn number(&mut self, is_behind_point: bool) {
        let mut is_digit: fn(char) -> bool = |sign| sign.is_ascii_digit() || sign == '_';
        let mut is_behind_point = is_behind_point;
        if !is_behind_point {
            if self.peek() == Some('0') {
                self.skip();
                match self.peek() {
                    Some('x' | 'X') => {
                        self.skip();
                        is_digit = |sign| sign.is_ascii_hexdigit() || sign == '_';
                    }
                    Some('o' | 'O' | 'b' | 'B') => self.skip(),
                    _ => {}
                }
            }
            self.skip_while(is_digit);
            if self.peek() == Some('.') {
                self.skip();
                is_behind_point = true;
            }
        }
        if is_behind_point {
            self.skip_while(is_digit);
        }
        if matches!(self.peek(), Some('e' | 'E' | 'p' | 'P')) {
            self.skip();
            if matches!(self.peek(), Some('+' | '-')) {
                self.skip();
            }
            self.skip_while(|sign| sign.is_ascii_digit() || sign == '_');
        }
    }

    /// Up to the quote that ends it, or the line. An escape that is none makes it no literal wherever it ends.
    fn quoted(&mut self, quote: char) {
        while let Some(sign) = self.peek() {
            if sign == '\n' {
                return;
            }
            self.skip();
            match sign {
                '\\' if self.peek() != Some('\n') => self.skip(),
                _ if sign == quote => return,
                _ => {}
            }
        }
    }
}
