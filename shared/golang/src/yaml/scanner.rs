//! Characters to tokens, as libyaml does, on which go-yaml is modelled.

use std::collections::{HashMap, VecDeque};

use super::YamlError;
use super::source::{Mark, Source};
use crate::json::MAX_DEPTH;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    StreamEnd,
    /// `%YAML`, with major and minor version.
    Version(u8, u8),
    /// `%TAG`, with handle and prefix.
    TagDirective(Vec<u8>, Vec<u8>),
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    FlowEntry,
    BlockEntry,
    Key,
    Value,
    Alias(String),
    Anchor(String),
    /// Handle and suffix.
    Tag(Vec<u8>, Vec<u8>),
    Scalar {
        value: String,
        is_plain: bool,
    },
}

/// The place where a key may have started, before the `:` is seen that makes it one.
#[derive(Clone, Copy, Default)]
struct SimpleKey {
    is_possible: bool,
    /// Whether nothing but a key can stand there.
    is_required: bool,
    token: usize,
    mark: Mark,
}

pub(super) struct Scanner {
    pub(super) source: Source,
    tokens: VecDeque<(Token, Mark)>,
    /// How many tokens were taken out of the queue.
    taken: usize,
    /// Whether a key may start here.
    pub(super) key_allowed: bool,
    /// One for each level of flow collections and one for the block around them.
    keys: Vec<SimpleKey>,
    /// The places in `keys` by token. An empty flow collection takes out the key that it could itself be, as in the
    /// original, which then reads no further.
    places: HashMap<usize, usize>,
    pub(super) flow_level: usize,
    /// The column of the current block collection; -1 outside of all.
    pub(super) indent: isize,
    indents: Vec<isize>,
    is_finished: bool,
}

impl Scanner {
    pub(super) fn new(source: Source) -> Self {
        Self {
            source,
            tokens: VecDeque::new(),
            taken: 0,
            key_allowed: true,
            keys: vec![SimpleKey::default()],
            places: HashMap::new(),
            flow_level: 0,
            indent: -1,
            indents: Vec::new(),
            is_finished: false,
        }
    }

    /// The next token, which stays in the queue.
    pub(super) fn peek(&mut self) -> Result<&(Token, Mark), YamlError> {
        while !self.is_finished && (self.tokens.is_empty() || self.head_may_be_key()?) {
            self.fetch()?;
        }
        if self.tokens.is_empty() {
            self.tokens.push_back((Token::StreamEnd, self.source.mark));
        }
        Ok(&self.tokens[0])
    }

    /// The next token, taken out of the queue.
    pub(super) fn take(&mut self) -> Result<(Token, Mark), YamlError> {
        let next = self.peek()?.clone();
        self.tokens.pop_front();
        self.taken += 1;
        Ok(next)
    }

    /// Whether a key may yet have to be put before the first token of the queue.
    fn head_may_be_key(&mut self) -> Result<bool, YamlError> {
        match self.places.get(&self.taken).copied() {
            Some(place) => self.is_key_valid(place),
            None => Ok(false),
        }
    }

    fn fetch(&mut self) -> Result<(), YamlError> {
        self.skip_to_token();
        self.unroll_indent(self.source.mark.column as isize);
        let mark = self.source.mark;
        let sign = self.source.peek(0);
        let is_block = self.flow_level == 0;
        match sign {
            '\0' => self.fetch_end(),
            '%' if mark.column == 0 => {
                self.leave_blocks()?;
                let directive = self.scan_directive()?;
                self.push(directive, mark);
                Ok(())
            }
            '-' | '.' if self.source.is_document_sign(sign) => {
                self.leave_blocks()?;
                self.source.skip(3);
                self.push(if sign == '-' { Token::DocumentStart } else { Token::DocumentEnd }, mark);
                Ok(())
            }
            '[' | '{' => self.fetch_flow_start(sign),
            ']' | '}' => self.fetch_flow_end(sign),
            ',' => {
                self.remove_key()?;
                self.key_allowed = true;
                self.fetch_sign(Token::FlowEntry)
            }
            '-' if self.source.is_gap(1) => self.fetch_block_entry(),
            '?' if !is_block || self.source.is_gap(1) => self.fetch_key(),
            ':' if !is_block || self.source.is_gap(1) => self.fetch_value(),
            '*' | '&' => {
                self.save_key()?;
                self.key_allowed = false;
                let name = self.scan_anchor(mark)?;
                self.push(if sign == '*' { Token::Alias(name) } else { Token::Anchor(name) }, mark);
                Ok(())
            }
            '!' => {
                self.save_key()?;
                self.key_allowed = false;
                let tag = self.scan_tag(mark)?;
                self.push(tag, mark);
                Ok(())
            }
            '|' | '>' if is_block => {
                self.remove_key()?;
                self.key_allowed = true;
                let value = self.scan_block_scalar(sign == '|')?;
                self.push(Token::Scalar { value, is_plain: false }, mark);
                Ok(())
            }
            '\'' | '"' => {
                self.save_key()?;
                self.key_allowed = false;
                let value = self.scan_quoted_scalar(sign)?;
                self.push(Token::Scalar { value, is_plain: false }, mark);
                Ok(())
            }
            _ if self.starts_plain(sign) => {
                self.save_key()?;
                self.key_allowed = false;
                let value = self.scan_plain_scalar()?;
                self.push(Token::Scalar { value, is_plain: true }, mark);
                Ok(())
            }
            _ => Err(mark.error("a character that cannot start a value")),
        }
    }

    fn starts_plain(&self, sign: char) -> bool {
        match sign {
            '-' => !self.source.is_blank(1),
            '?' | ':' => self.flow_level == 0 && !self.source.is_gap(1),
            '\t' | ',' | '[' | ']' | '{' | '}' | '#' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%'
            | '@' | '`' => false,
            _ => true,
        }
    }

    fn skip_to_token(&mut self) {
        loop {
            // At the start of a line of a block a tab would be indentation.
            let tabs = self.flow_level > 0 || !self.key_allowed;
            while self.source.peek(0) == ' ' || tabs && self.source.peek(0) == '\t' {
                self.source.skip(1);
            }
            self.source.skip_comment();
            if !self.source.is_break(0) {
                return;
            }
            self.source.skip_line();
            if self.flow_level == 0 {
                self.key_allowed = true;
            }
        }
    }

    fn push(&mut self, token: Token, mark: Mark) {
        self.tokens.push_back((token, mark));
    }

    fn fetch_sign(&mut self, token: Token) -> Result<(), YamlError> {
        let mark = self.source.mark;
        self.source.skip(1);
        self.push(token, mark);
        Ok(())
    }

    fn fetch_end(&mut self) -> Result<(), YamlError> {
        self.leave_blocks()?;
        self.is_finished = true;
        self.push(Token::StreamEnd, self.source.mark);
        Ok(())
    }

    /// Ends all block collections.
    fn leave_blocks(&mut self) -> Result<(), YamlError> {
        self.unroll_indent(-1);
        self.remove_key()?;
        self.key_allowed = false;
        Ok(())
    }

    fn fetch_flow_start(&mut self, sign: char) -> Result<(), YamlError> {
        self.save_key()?;
        self.keys.push(SimpleKey { token: self.taken + self.tokens.len(), ..SimpleKey::default() });
        self.flow_level += 1;
        if self.flow_level > MAX_DEPTH {
            return Err(YamlError::TooLarge);
        }
        self.key_allowed = true;
        self.fetch_sign(if sign == '[' { Token::FlowSequenceStart } else { Token::FlowMappingStart })
    }

    fn fetch_flow_end(&mut self, sign: char) -> Result<(), YamlError> {
        self.remove_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            if let Some(key) = self.keys.pop() {
                self.places.remove(&key.token);
            }
        }
        self.key_allowed = false;
        self.fetch_sign(if sign == ']' { Token::FlowSequenceEnd } else { Token::FlowMappingEnd })
    }

    fn fetch_block_entry(&mut self) -> Result<(), YamlError> {
        if self.flow_level == 0 {
            if !self.key_allowed {
                return Err(self.source.mark.error("a list item is not allowed here"));
            }
            self.roll_indent(self.source.mark, None, Token::BlockSequenceStart)?;
        }
        self.remove_key()?;
        self.key_allowed = true;
        self.fetch_sign(Token::BlockEntry)
    }

    fn fetch_key(&mut self) -> Result<(), YamlError> {
        if self.flow_level == 0 {
            if !self.key_allowed {
                return Err(self.source.mark.error("a key is not allowed here"));
            }
            self.roll_indent(self.source.mark, None, Token::BlockMappingStart)?;
        }
        self.remove_key()?;
        self.key_allowed = self.flow_level == 0;
        self.fetch_sign(Token::Key)
    }

    fn fetch_value(&mut self) -> Result<(), YamlError> {
        let place = self.keys.len() - 1;
        if self.is_key_valid(place)? {
            let key = self.keys[place];
            self.insert(key.token, Token::Key, key.mark);
            self.roll_indent(key.mark, Some(key.token), Token::BlockMappingStart)?;
            self.keys[place].is_possible = false;
            self.places.remove(&key.token);
            self.key_allowed = false;
        } else {
            if self.flow_level == 0 {
                if !self.key_allowed {
                    return Err(self.source.mark.error("a value is not allowed here"));
                }
                self.roll_indent(self.source.mark, None, Token::BlockMappingStart)?;
            }
            self.key_allowed = self.flow_level == 0;
        }
        self.fetch_sign(Token::Value)
    }

    /// Puts a token before the one with that number; behind all, if that one was taken already.
    fn insert(&mut self, number: usize, token: Token, mark: Mark) {
        match number.checked_sub(self.taken) {
            Some(place) if place < self.tokens.len() => self.tokens.insert(place, (token, mark)),
            _ => self.push(token, mark),
        }
    }

    /// Starts a block collection at the column of `mark`, unless it is open already.
    fn roll_indent(&mut self, mark: Mark, number: Option<usize>, start: Token) -> Result<(), YamlError> {
        let column = mark.column as isize;
        if self.flow_level > 0 || self.indent >= column {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column;
        if self.indents.len() > MAX_DEPTH {
            return Err(YamlError::TooLarge);
        }
        match number {
            Some(number) => self.insert(number, start, mark),
            None => self.push(start, mark),
        }
        Ok(())
    }

    /// Ends the block collections that are indented deeper than `column`.
    fn unroll_indent(&mut self, column: isize) {
        while self.flow_level == 0 && self.indent > column {
            self.push(Token::BlockEnd, self.source.mark);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    /// Whether a key that started there can still be one: it is short and on the current line.
    fn is_key_valid(&mut self, place: usize) -> Result<bool, YamlError> {
        let key = &mut self.keys[place];
        if key.is_possible
            && (key.mark.line < self.source.mark.line || key.mark.index + 1024 < self.source.mark.index)
        {
            if key.is_required {
                return Err(key.mark.error("a key without ':'"));
            }
            key.is_possible = false;
        }
        Ok(key.is_possible)
    }

    fn save_key(&mut self) -> Result<(), YamlError> {
        if self.key_allowed {
            let is_required = self.flow_level == 0 && self.indent == self.source.mark.column as isize;
            let token = self.taken + self.tokens.len();
            self.remove_key()?;
            let place = self.keys.len() - 1;
            self.places.insert(token, place);
            self.keys[place] = SimpleKey { is_possible: true, is_required, token, mark: self.source.mark };
        }
        Ok(())
    }

    fn remove_key(&mut self) -> Result<(), YamlError> {
        let place = self.keys.len() - 1;
        let key = &mut self.keys[place];
        if key.is_possible && key.is_required {
            return Err(key.mark.error("a key without ':'"));
        }
        if std::mem::take(&mut key.is_possible) {
            self.places.remove(&key.token);
        }
        Ok(())
    }
}
