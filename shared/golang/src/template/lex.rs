//! Text into tokens: plain text between actions, and the words of an action between the delimiters.

use crate::literal::{self, named};
use crate::unicode;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Error,
    Bool,
    /// Punctuation that has no meaning of its own, such as a comma.
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    Eof,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

impl Token {
    fn keyword(word: &[u8]) -> Option<Self> {
        Some(match word {
            b"block" => Self::Block,
            b"break" => Self::Break,
            b"continue" => Self::Continue,
            b"define" => Self::Define,
            b"else" => Self::Else,
            b"end" => Self::End,
            b"if" => Self::If,
            b"nil" => Self::Nil,
            b"range" => Self::Range,
            b"template" => Self::Template,
            b"with" => Self::With,
            _ => return None,
        })
    }

    fn is_keyword(self) -> bool {
        self as usize >= Self::Block as usize
    }
}

/// A token with where it stands.
#[derive(Clone, Debug)]
pub(super) struct Item<'a> {
    pub(super) token: Token,
    pub(super) at: usize,
    pub(super) line: usize,
    pub(super) text: &'a [u8],
    /// Why the text is no token; only for [`Token::Error`].
    pub(super) error: String,
}

impl std::fmt::Display for Item<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.token {
            Token::Eof => f.write_str("EOF"),
            Token::Error => f.write_str(&self.error),
            token if token.is_keyword() => write!(f, "<{}>", String::from_utf8_lossy(self.text)),
            _ if self.text.len() > 10 => {
                let end = unicode::runes(self.text).nth(10).map_or(self.text.len(), |(end, _, _)| end);
                write!(f, "{}...", String::from_utf8_lossy(&literal::quote(&self.text[..end])))
            }
            _ => f.write_str(&String::from_utf8_lossy(&literal::quote(self.text))),
        }
    }
}

pub(super) struct Lexer<'a> {
    input: &'a [u8],
    left: &'a [u8],
    right: &'a [u8],
    at: usize,
    start: usize,
    line: usize,
    start_line: usize,
    parens: usize,
    inside: bool,
    /// Whether `break` and `continue` are keywords: not if functions of these names exist.
    pub(super) break_is_keyword: bool,
    pub(super) continue_is_keyword: bool,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(input: &'a [u8], left: &'a [u8], right: &'a [u8]) -> Self {
        Self {
            input,
            left,
            right,
            at: 0,
            start: 0,
            line: 1,
            start_line: 1,
            parens: 0,
            inside: false,
            break_is_keyword: true,
            continue_is_keyword: true,
        }
    }

    pub(super) fn next_item(&mut self) -> Item<'a> {
        if self.inside { self.action() } else { self.text() }
    }

    fn rest(&self) -> &'a [u8] {
        &self.input[self.at..]
    }

    fn next(&mut self) -> Option<char> {
        let (rune, size) = unicode::decode(self.rest());
        if size == 0 {
            return None;
        }
        self.at += size;
        Some(rune)
    }

    fn peek(&self) -> Option<char> {
        let (rune, size) = unicode::decode(self.rest());
        (size > 0).then_some(rune)
    }

    fn accept(&mut self, valid: &[u8]) -> bool {
        let found = self.rest().first().is_some_and(|byte| valid.contains(byte));
        self.at += usize::from(found);
        found
    }

    fn accept_run(&mut self, valid: &[u8]) {
        while self.accept(valid) {}
    }

    /// Ends the current token here.
    fn emit(&mut self, token: Token) -> Item<'a> {
        let text = &self.input[self.start..self.at];
        let item = Item { token, at: self.start, line: self.start_line, text, error: String::new() };
        self.line += text.iter().filter(|byte| **byte == b'\n').count();
        self.start = self.at;
        self.start_line = self.line;
        item
    }

    /// Drops the text up to here.
    fn ignore(&mut self) {
        self.emit(Token::Space);
    }

    fn error(&mut self, error: impl Into<String>) -> Item<'a> {
        Item { token: Token::Error, at: self.start, line: self.start_line, text: b"", error: error.into() }
    }

    fn text(&mut self) -> Item<'a> {
        loop {
            let Some(length) = find(self.rest(), self.left) else {
                self.at = self.input.len();
                return self.emit(if self.at > self.start { Token::Text } else { Token::Eof });
            };
            let text = &self.rest()[..length];
            let after = &self.rest()[length + self.left.len()..];
            let trim = has_left_marker(after);
            let kept = if trim { trim_right(text) } else { length };
            if length > 0 {
                self.at += kept;
                let item = self.emit(Token::Text);
                self.at += length - kept;
                self.ignore();
                if !item.text.is_empty() {
                    return item;
                }
            }
            let marker = if trim { 2 } else { 0 };
            if !after[marker..].starts_with(b"/*") {
                self.at += self.left.len();
                let item = self.emit(Token::LeftDelim);
                self.inside = true;
                self.at += marker;
                self.ignore();
                self.parens = 0;
                return item;
            }
            self.at += self.left.len() + marker;
            self.ignore();
            if let Err(error) = self.comment() {
                return self.error(error);
            }
        }
    }

    fn comment(&mut self) -> Result<(), &'static str> {
        let length = find(&self.rest()[2..], b"*/").ok_or("unclosed comment")?;
        self.at += length + 4;
        let trim = self.at_right_delim().ok_or("comment ends before closing delimiter")?;
        self.close(trim);
        self.ignore();
        Ok(())
    }

    /// Whether the right delimiter stands here, and if so whether it trims the text behind it.
    fn at_right_delim(&self) -> Option<bool> {
        let rest = self.rest();
        if has_right_marker(rest) && rest[2..].starts_with(self.right) {
            return Some(true);
        }
        rest.starts_with(self.right).then_some(false)
    }

    /// Passes the right delimiter and what it trims.
    fn close(&mut self, trim: bool) {
        self.at += self.right.len();
        if trim {
            self.at += 2;
            let spaces = self.rest().iter().take_while(|byte| is_space(**byte)).count();
            self.at += spaces;
        }
    }

    fn right_delim(&mut self, trim: bool) -> Item<'a> {
        if trim {
            self.at += 2;
            self.ignore();
        }
        self.at += self.right.len();
        let item = self.emit(Token::RightDelim);
        if trim {
            let spaces = self.rest().iter().take_while(|byte| is_space(**byte)).count();
            self.at += spaces;
            self.ignore();
        }
        self.inside = false;
        item
    }

    fn action(&mut self) -> Item<'a> {
        if let Some(trim) = self.at_right_delim() {
            if self.parens == 0 {
                return self.right_delim(trim);
            }
            return self.error("unclosed left paren");
        }
        let Some(rune) = self.next() else { return self.error("unclosed action") };
        match rune {
            ' ' | '\t' | '\r' | '\n' => self.space(),
            '=' => self.emit(Token::Assign),
            ':' if self.accept(b"=") => self.emit(Token::Declare),
            ':' => self.error("expected :="),
            '|' => self.emit(Token::Pipe),
            '"' => self.quoted('"', Token::String, "unterminated quoted string"),
            '\'' => self.quoted('\'', Token::CharConstant, "unterminated character constant"),
            '`' => match self.rest().iter().position(|byte| *byte == b'`') {
                Some(length) => {
                    self.at += length + 1;
                    self.emit(Token::RawString)
                }
                None => self.error("unterminated raw quoted string"),
            },
            '$' => self.field_or_variable(Token::Variable, Token::Variable),
            '.' if self.rest().first().is_some_and(|byte| !byte.is_ascii_digit()) => {
                self.field_or_variable(Token::Field, Token::Dot)
            }
            '.' | '+' | '-' | '0'..='9' => {
                self.at -= 1;
                self.number()
            }
            _ if is_alphanumeric(rune) => self.identifier(),
            '(' => {
                self.parens += 1;
                self.emit(Token::LeftParen)
            }
            ')' if self.parens == 0 => self.error("unexpected right paren"),
            ')' => {
                self.parens -= 1;
                self.emit(Token::RightParen)
            }
            ' '..='~' => self.emit(Token::Char),
            _ => self.error(format!("unrecognized character in action: {}", named(rune))),
        }
    }

    /// A run of spaces. The last one may belong to a delimiter that trims.
    fn space(&mut self) -> Item<'a> {
        while self.accept(b" \t\r\n") {}
        if self.rest().starts_with(b"-") && self.rest()[1..].starts_with(self.right) {
            self.at -= 1;
            if self.at == self.start {
                return self.right_delim(true);
            }
        }
        self.emit(Token::Space)
    }

    fn identifier(&mut self) -> Item<'a> {
        while self.peek().is_some_and(is_alphanumeric) {
            self.next();
        }
        if !self.at_terminator() {
            return self.bad_character();
        }
        let word = &self.input[self.start..self.at];
        match Token::keyword(word) {
            Some(Token::Break) if !self.break_is_keyword => self.emit(Token::Identifier),
            Some(Token::Continue) if !self.continue_is_keyword => self.emit(Token::Identifier),
            Some(keyword) => self.emit(keyword),
            None if word == b"true" || word == b"false" => self.emit(Token::Bool),
            None => self.emit(Token::Identifier),
        }
    }

    fn field_or_variable(&mut self, named: Token, bare: Token) -> Item<'a> {
        if self.at_terminator() {
            return self.emit(bare);
        }
        while self.peek().is_some_and(is_alphanumeric) {
            self.next();
        }
        if self.at_terminator() { self.emit(named) } else { self.bad_character() }
    }

    fn bad_character(&mut self) -> Item<'a> {
        let rune = self.peek().unwrap_or(char::REPLACEMENT_CHARACTER);
        self.error(format!("bad character {}", named(rune)))
    }

    fn at_terminator(&self) -> bool {
        let stop = self.peek().is_none_or(|rune| " \t\r\n.,|:)(".contains(rune));
        stop || self.rest().starts_with(self.right)
    }

    fn quoted(&mut self, mark: char, token: Token, unterminated: &'static str) -> Item<'a> {
        loop {
            match self.next() {
                Some('\\') if self.next().is_some_and(|rune| rune != '\n') => {}
                Some('\\' | '\n') | None => return self.error(unterminated),
                Some(rune) if rune == mark => return self.emit(token),
                Some(_) => {}
            }
        }
    }

    /// Takes what might be a number; whether it is one shows when its value is read.
    fn number(&mut self) -> Item<'a> {
        let mut token = Token::Number;
        let mut good = self.scan_number();
        if good && matches!(self.peek(), Some('+' | '-')) {
            good = self.scan_number() && self.input[self.at - 1] == b'i';
            token = Token::Complex;
        }
        if good {
            return self.emit(token);
        }
        let text = literal::quote(&self.input[self.start..self.at]);
        self.error(format!("bad number syntax: {}", String::from_utf8_lossy(&text)))
    }

    fn scan_number(&mut self) -> bool {
        self.accept(b"+-");
        let mut digits: &[u8] = b"0123456789_";
        let (mut decimal, mut hex) = (true, false);
        if self.accept(b"0") {
            decimal = false;
            if self.accept(b"xX") {
                digits = b"0123456789abcdefABCDEF_";
                hex = true;
            } else if self.accept(b"oO") {
                digits = b"01234567_";
            } else if self.accept(b"bB") {
                digits = b"01_";
            } else {
                decimal = true;
            }
        }
        self.accept_run(digits);
        if self.accept(b".") {
            self.accept_run(digits);
        }
        if decimal && self.accept(b"eE") || hex && self.accept(b"pP") {
            self.accept(b"+-");
            self.accept_run(b"0123456789_");
        }
        self.accept(b"i");
        if self.peek().is_some_and(is_alphanumeric) {
            self.next();
            return false;
        }
        true
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    if what.is_empty() {
        return Some(0);
    }
    text.windows(what.len()).position(|window| window == what)
}

fn trim_right(text: &[u8]) -> usize {
    text.iter().rposition(|byte| !is_space(*byte)).map_or(0, |last| last + 1)
}

fn has_left_marker(text: &[u8]) -> bool {
    matches!(text, [b'-', space, ..] if is_space(*space))
}

fn has_right_marker(text: &[u8]) -> bool {
    matches!(text, [space, b'-', ..] if is_space(*space))
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn is_alphanumeric(rune: char) -> bool {
    rune == '_' || unicode::is_letter(rune) || unicode::is_digit(rune)
}
